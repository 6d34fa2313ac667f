//! Surfaces are closed, have the holes that the design has, and enclose its volume.
use design::{DensityField, Surface, outline, surface, threshold_of_volume};

fn field(size: [usize; 3], value: impl Fn([usize; 3]) -> f64) -> DensityField {
    let [width, height, depth] = size;
    let values = (0..width * height * depth).map(|index| value([index % width, index / width % height, index / (width * height)]));
    DensityField { size, values: values.collect() }
}

/// Numbers that look random.
fn noise(place: [usize; 3]) -> f64 {
    let mixed = ((place[0] * 73_856_093) ^ (place[1] * 19_349_663) ^ (place[2] * 83_492_791)).wrapping_mul(2_654_435_761);
    (mixed >> 7 & 0xffff) as f64 / 65_535.0
}

fn check(surface: &Surface, characteristic: i64, volume: f64) {
    assert!(surface.is_closed());
    assert_eq!(surface.euler_characteristic(), characteristic);
    assert!((surface.volume() - volume).abs() < 0.02 * volume, "{} instead of {volume}", surface.volume());
}

#[test]
fn a_full_box_has_the_surface_of_a_ball_and_its_own_volume() {
    check(&surface(&field([7, 5, 1], |_| 1.0), 0.5, 3.0), 2, 105.0);
    let solid = surface(&field([9, 8, 7], |_| 1.0), 0.5, 1.0);
    assert!(solid.is_closed());
    assert_eq!(solid.euler_characteristic(), 2);
    // Edges of the box are chamfered by half an element.
    assert!(solid.volume() > 0.9 * 504.0 && solid.volume() < 504.0, "{}", solid.volume());
}

#[test]
fn holes_and_pieces_are_counted() {
    let holes = field([20, 9, 1], |[x, y, _]| f64::from(u8::from(!((3..7).contains(&(x % 10)) && (3..6).contains(&y)))));
    assert_eq!(surface(&holes, 0.5, 1.0).euler_characteristic(), 2 - 2 * 2);
    assert_eq!(outline(&holes, 0.5).len(), 3);
    let ring = field([9, 9, 4], |[x, y, _]| f64::from(u8::from(!((3..6).contains(&x) && (3..6).contains(&y)))));
    assert_eq!(surface(&ring, 0.5, 1.0).euler_characteristic(), 0);
    let apart = field([9, 3, 3], |[x, _, _]| f64::from(u8::from(x % 4 < 2)));
    assert_eq!(surface(&apart, 0.5, 1.0).euler_characteristic(), 2 * 3);
}

#[test]
fn any_field_has_a_closed_surface_even_where_values_lie_on_the_threshold() {
    for threshold in [0.2, 0.5, 0.8] {
        let plane = field([31, 23, 1], noise);
        assert!(surface(&plane, threshold, 2.0).is_closed());
        let solid = field([11, 9, 13], noise);
        let surface = surface(&solid, threshold, 1.0);
        assert!(surface.is_closed() && surface.volume() > 0.0);
    }
    let steps = |place| (noise(place) * 4.0).round() / 4.0;
    for size in [[24, 24, 1], [10, 10, 10]] {
        let surface = surface(&field(size, steps), 0.5, 1.0);
        assert!(surface.is_closed());
        let bits = |corners: [[f32; 3]; 3]| corners.map(|corner| corner.map(f32::to_bits));
        assert!(surface.corners().map(bits).all(|[a, b, c]| a != b && b != c && c != a));
    }
    let empty = surface(&field([4, 4, 1], |_| 0.0), 0.5, 1.0);
    assert!(empty.is_closed() && empty.triangles.is_empty());
}

#[test]
fn outlines_enclose_the_area_of_the_plate() {
    let disc = field([40, 40, 1], |[x, y, _]| (15.0 - (x as f64 - 19.5).hypot(y as f64 - 19.5)).clamp(0.0, 1.0));
    let loops = outline(&disc, 0.5);
    assert_eq!(loops.len(), 1);
    let area: f64 = loops[0].iter().zip(loops[0].iter().cycle().skip(1)).map(|(a, b)| 0.5 * f64::from(a[0] * b[1] - a[1] * b[0])).sum();
    let radius = 14.5;
    assert!((area / (std::f64::consts::PI * radius * radius) - 1.0).abs() < 0.01, "{area}");
    assert!((surface(&disc, 0.5, 2.0).volume() / (2.0 * area) - 1.0).abs() < 1e-4);
}

#[test]
fn the_threshold_of_the_volume_keeps_the_volume() {
    let grey = field([50, 40, 1], noise);
    let threshold = threshold_of_volume(&grey);
    let kept = grey.values.iter().filter(|value| **value >= threshold).count() as f64;
    assert!((kept / grey.values.iter().sum::<f64>() - 1.0).abs() < 0.01);
}
