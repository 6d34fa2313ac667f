//! Pixels to draw on, twice as fine as the picture that comes out, which smooths edges.

/// Fine pixels along a side of a pixel.
const FINE: usize = 2;

/// Red, green, blue.
pub(super) type Colour = [u8; 3];

pub(super) const WHITE: Colour = [255; 3];

pub(super) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize) -> Self {
        let (width, height) = (width * FINE, height * FINE);
        Self { width, height, pixels: vec![WHITE; width * height] }
    }

    /// Means of the fine pixels.
    pub(super) fn into_pixels(self) -> Vec<u8> {
        let mut pixels = Vec::with_capacity(self.pixels.len() * 3 / (FINE * FINE));
        for y in (0..self.height).step_by(FINE) {
            for x in (0..self.width).step_by(FINE) {
                for channel in 0..3 {
                    let places = (0..FINE * FINE).map(|index| (y + index / FINE) * self.width + x + index % FINE);
                    let sum: usize = places.map(|place| usize::from(self.pixels[place][channel])).sum();
                    pixels.push(((sum + FINE * FINE / 2) / (FINE * FINE)) as u8);
                }
            }
        }
        pixels
    }

    /// Calls `colour` with the middle of each fine pixel between two corners; those with an answer get it.
    pub(super) fn fill(&mut self, from: [f64; 2], to: [f64; 2], mut colour: impl FnMut([f64; 2]) -> Option<Colour>) {
        self.fill_numbered(from, to, |_, place| colour(place));
    }

    /// Fine pixels of the whole canvas.
    pub(super) fn len(&self) -> usize {
        self.pixels.len()
    }

    /// [`Self::fill`], where `colour` is told the number of the fine pixel too.
    pub(super) fn fill_numbered(&mut self, from: [f64; 2], to: [f64; 2], mut colour: impl FnMut(usize, [f64; 2]) -> Option<Colour>) {
        let fine = FINE as f64;
        let range = |axis: usize, most: usize| {
            let first = (from[axis] * fine).floor().clamp(0.0, most as f64) as usize;
            first..(to[axis] * fine).ceil().clamp(first as f64, most as f64) as usize
        };
        for y in range(1, self.height) {
            for x in range(0, self.width) {
                let number = y * self.width + x;
                if let Some(colour) = colour(number, [(x as f64 + 0.5) / fine, (y as f64 + 0.5) / fine]) {
                    self.pixels[number] = colour;
                }
            }
        }
    }

    /// A convex polygon.
    pub(super) fn polygon(&mut self, corners: &[[f64; 2]], colour: Colour) {
        let bound = |axis: usize, pick: fn(f64, f64) -> f64, start: f64| corners.iter().map(|corner| corner[axis]).fold(start, pick);
        let from = [0, 1].map(|axis| bound(axis, f64::min, f64::INFINITY));
        let to = [0, 1].map(|axis| bound(axis, f64::max, f64::NEG_INFINITY));
        let side = |place: [f64; 2], index: usize| {
            let (a, b) = (corners[index], corners[(index + 1) % corners.len()]);
            (b[0] - a[0]) * (place[1] - a[1]) - (b[1] - a[1]) * (place[0] - a[0])
        };
        self.fill(from, to, |place| {
            let left = (0..corners.len()).all(|index| side(place, index) >= 0.0);
            let right = (0..corners.len()).all(|index| side(place, index) <= 0.0);
            (left || right).then_some(colour)
        });
    }

    pub(super) fn line(&mut self, from: [f64; 2], to: [f64; 2], width: f64, colour: Colour) {
        let (x, y) = (to[0] - from[0], to[1] - from[1]);
        let length = x.hypot(y);
        if length > 0.0 {
            let [across, down] = [-y / length * width / 2.0, x / length * width / 2.0];
            let corner = |end: [f64; 2], sign: f64| [end[0] + sign * across, end[1] + sign * down];
            self.polygon(&[corner(from, 1.0), corner(to, 1.0), corner(to, -1.0), corner(from, -1.0)], colour);
        }
    }

    pub(super) fn disc(&mut self, centre: [f64; 2], radius: f64, colour: Colour) {
        let from = centre.map(|value| value - radius);
        let to = centre.map(|value| value + radius);
        self.fill(from, to, |place| ((place[0] - centre[0]).hypot(place[1] - centre[1]) <= radius).then_some(colour));
    }
}
