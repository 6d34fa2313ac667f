use super::captions;
use super::recolour::recoloured;
use super::sprite::{Canvas, Place, Sprite};
use super::{Dataset, PALETTE};
use crate::random::Random;

/// How a background is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackgroundKind {
    /// One colour.
    Plain,
    /// From a light tone of the colour above to the colour below.
    Gradient,
    /// A wall and a lighter floor with soft shadows under the objects.
    Studio,
}

/// A background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Background {
    /// Index in [`PALETTE`].
    pub colour: usize,
    /// How it is painted.
    pub kind: BackgroundKind,
}

/// How large a single object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectSize {
    /// Half of the usual side.
    Small,
    /// The size that captions do not mention.
    Usual,
    /// Nearly the whole scene.
    Large,
}

/// What is drawn.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Indices of the concepts, one for each object.
    pub objects: Vec<usize>,
    /// Index in [`PALETTE`] of the colour that a single object is given.
    pub colour: Option<usize>,
    /// Size of a single object.
    pub size: ObjectSize,
    /// What is behind them.
    pub background: Background,
}

/// A captioned picture.
#[derive(Debug, Clone)]
pub struct Sample {
    /// `[size, size, 3]`.
    pub pixels: Vec<u8>,
    /// What it shows, in Chinese or English.
    pub caption: String,
    /// Everything in it that the caption may speak of.
    pub scene: Scene,
}

/// Indices in [`PALETTE`] of the colours that objects are given: those that people ask for, told apart at a glance.
pub const OBJECT_COLOURS: [usize; 8] = [0, 1, 3, 4, 6, 7, 8, 11];

/// Draws a scene's contents and caption.
pub(super) fn plan(dataset: &Dataset, random: &mut Random) -> (Scene, String) {
    let composition = &dataset.recipe.composition;
    let first = random.below(dataset.concepts.len());
    let layout = random.uniform();
    let objects = if layout < composition.several {
        vec![first; 2 + usize::from(random.uniform() < 0.3)]
    } else if layout < composition.several + composition.pair {
        vec![first, random.below(dataset.concepts.len())]
    } else {
        vec![first]
    };
    let colour = if random.uniform() < composition.white { 0 } else { random.below(PALETTE.len()) };
    let painted = random.uniform();
    let kind = if painted < composition.gradient {
        BackgroundKind::Gradient
    } else if painted < composition.gradient + composition.studio {
        BackgroundKind::Studio
    } else {
        BackgroundKind::Plain
    };
    let background = Background { colour, kind };
    let single = objects.len() == 1;
    let given = OBJECT_COLOURS[random.below(OBJECT_COLOURS.len())];
    let recolours = random.uniform() < composition.recoloured && composition.recolourable.contains(&dataset.concepts[first].id);
    let sized = random.uniform();
    let size = if !single || sized >= composition.sized {
        ObjectSize::Usual
    } else if sized < composition.sized / 2.0 {
        ObjectSize::Small
    } else {
        ObjectSize::Large
    };
    // An object in its background's colour would be hard to see.
    let scene = Scene { objects, colour: (single && recolours && given != colour).then_some(given), size, background };
    let caption = captions::describe(dataset, &scene, random);
    (scene, caption)
}

/// Draws and paints a scene.
pub(super) fn compose(dataset: &Dataset, random: &mut Random, size: u32) -> Sample {
    let (scene, caption) = plan(dataset, random);
    let mut places = places(scene.objects.len(), size, dataset.recipe.composition.play, random);
    for place in &mut places {
        *place = place.scaled(scene.size);
    }
    let mut canvas = paint(scene.background, size);
    if scene.background.kind == BackgroundKind::Studio {
        for place in &places {
            shade(&mut canvas, *place);
        }
    }
    for (object, place) in scene.objects.iter().zip(&places) {
        let sprite = &dataset.sprites[*object];
        match scene.colour {
            Some(colour) => recoloured(sprite, PALETTE[colour].rgb).draw(&mut canvas, *place),
            None => sprite.draw(&mut canvas, *place),
        }
    }
    Sample { pixels: to_bytes(&canvas), caption, scene }
}

impl Place {
    /// A square of another size around the same middle.
    fn scaled(self, size: ObjectSize) -> Self {
        let factor = match size {
            ObjectSize::Small => 0.55,
            ObjectSize::Usual => 1.0,
            ObjectSize::Large => 1.25,
        };
        let side = (self.side as f32 * factor).round().max(1.0);
        let shift = ((self.side as f32 - side) / 2.0).round() as i32;
        Self { left: self.left + shift, top: self.top + shift, side: side as u32 }
    }
}

/// One object in the middle, at the usual size of a single one.
pub(super) fn portrait(sprite: &Sprite, size: u32, background: [u8; 3]) -> Vec<u8> {
    let values = std::iter::repeat_n(background.map(f32::from), (size * size) as usize).flatten().collect();
    let mut canvas = Canvas { side: size, values };
    let side = size * 3 / 4;
    let margin = ((size - side) / 2) as i32;
    sprite.draw(&mut canvas, Place { left: margin, top: margin, side });
    to_bytes(&canvas)
}

/// Squares for one, two or three objects, with some play in size and position.
fn places(count: usize, size: u32, play: f32, random: &mut Random) -> Vec<Place> {
    let (usual, range) = match count {
        1 => (0.75, 0.09),
        2 => (0.47, 0.03),
        _ => (0.32, 0.015),
    };
    let mut uneven = || play * (2.0 * random.uniform() - 1.0);
    let side = (size as f32 * (usual + range * uneven())).round().max(1.0);
    (0..count)
        .map(|index| {
            let centre = size as f32 * (index as f32 + 0.5) / count as f32;
            let reach = size as f32 * if count == 1 { 0.04 } else { 0.02 };
            let (across, down) = (centre + reach * uneven(), size as f32 * 0.5 + reach * uneven());
            Place { left: (across - side / 2.0).round() as i32, top: (down - side / 2.0).round() as i32, side: side as u32 }
        })
        .collect()
}

fn paint(background: Background, size: u32) -> Canvas {
    let colour = PALETTE[background.colour].rgb.map(f32::from);
    // A light tone keeps the hue, so that the name still fits; white goes to a soft gray instead.
    let light = if background.colour == 0 { [225.0, 228.0, 232.0] } else { colour.map(|value| value + (255.0 - value) * 0.55) };
    let mut values = Vec::with_capacity((size * size * 3) as usize);
    for row in 0..size {
        let depth = (row as f32 + 0.5) / size as f32;
        let tone = match background.kind {
            BackgroundKind::Plain => 0.0,
            BackgroundKind::Gradient => 1.0 - depth,
            BackgroundKind::Studio => ((depth - 0.66) / 0.08).clamp(0.0, 1.0) * 0.6,
        };
        let pixel: [f32; 3] = std::array::from_fn(|channel| colour[channel] + (light[channel] - colour[channel]) * tone);
        (0..size).for_each(|_| values.extend_from_slice(&pixel));
    }
    Canvas { side: size, values }
}

/// A soft elliptic shadow under an object.
fn shade(canvas: &mut Canvas, place: Place) {
    let (centre, floor) = (place.left as f32 + place.side as f32 / 2.0, place.top as f32 + place.side as f32 * 0.95);
    let (wide, high) = (place.side as f32 * 0.42, place.side as f32 * 0.09);
    for y in 0..canvas.side {
        for x in 0..canvas.side {
            let distance = ((x as f32 - centre) / wide).powi(2) + ((y as f32 - floor) / high).powi(2);
            if distance < 1.0 {
                let pixel = (y * canvas.side + x) as usize * 3;
                canvas.values[pixel..pixel + 3].iter_mut().for_each(|value| *value *= 1.0 - 0.35 * (1.0 - distance));
            }
        }
    }
}

fn to_bytes(canvas: &Canvas) -> Vec<u8> {
    canvas.values.iter().map(|value| value.round().clamp(0.0, 255.0) as u8).collect()
}

/// A square out of a scene, more often with an object in it than not.
pub(super) fn crop(scene: &Sample, random: &mut Random, size: u32) -> Vec<u8> {
    let side = super::SCENE_SIZE as usize;
    let size = (size as usize).min(side);
    // The mean of two uniform numbers: crops near the middle, where objects are, come more often.
    let mut offset = || ((side - size + 1) as f32 * (random.uniform() + random.uniform()) / 2.0) as usize;
    let (left, top) = (offset(), offset());
    (0..size).flat_map(|row| &scene.pixels[((top + row) * side + left) * 3..][..size * 3]).copied().collect()
}
