/// A colour with its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedColour {
    /// The name in captions, for example `红色`.
    pub chinese: &'static str,
    /// For example `red`.
    pub english: &'static str,
    /// sRGB.
    pub rgb: [u8; 3],
}

const fn colour(chinese: &'static str, english: &'static str, rgb: [u8; 3]) -> NamedColour {
    NamedColour { chinese, english, rgb }
}

/// The colours that backgrounds are drawn in and named by; white is first.
pub const PALETTE: [NamedColour; 12] = [
    colour("白色", "white", [255, 255, 255]),
    colour("红色", "red", [222, 45, 45]),
    colour("橙色", "orange", [245, 140, 40]),
    colour("黄色", "yellow", [250, 215, 50]),
    colour("绿色", "green", [60, 170, 75]),
    colour("青色", "cyan", [60, 195, 205]),
    colour("蓝色", "blue", [50, 105, 220]),
    colour("紫色", "purple", [140, 75, 190]),
    colour("粉色", "pink", [245, 165, 195]),
    colour("棕色", "brown", [140, 95, 60]),
    colour("灰色", "gray", [150, 150, 150]),
    colour("黑色", "black", [25, 25, 28]),
];

/// Index in [`PALETTE`] of the colour with the smallest squared distance to `rgb` in sRGB.
pub fn nearest_colour(rgb: [u8; 3]) -> usize {
    let distance = |colour: &NamedColour| -> i32 { colour.rgb.iter().zip(rgb).map(|(a, b)| (i32::from(*a) - i32::from(b)).pow(2)).sum() };
    let mut best = 0;
    for (index, colour) in PALETTE.iter().enumerate() {
        if distance(colour) < distance(&PALETTE[best]) {
            best = index;
        }
    }
    best
}
