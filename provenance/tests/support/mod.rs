//! An artifact without an engine.
#![allow(dead_code, reason = "each test file uses a part")]

use provenance::{Labelled, Labeller};
use spec::stage::{Generated, Origin, Screened};
use spec::{
    Artifact, Asked, Design, DesignRequest, FileFormat, ModelIdentity, Picture, PictureRequest, ProduceId, Request, Run, RunPrecision,
    Screening, Sha256Digest, Surface, Texts, Verdict,
};

pub const FORMATS: [FileFormat; 3] = [FileFormat::Png, FileFormat::Jpeg, FileFormat::Webp];
pub const PRODUCE_ID: &str = "0192f0c1-7e2a-7b3c-8d4e-5f60718293a4";
pub const PROVIDER_CODE: &str = "001191110000100006666010001";
pub const LABEL_JSON: &str = r#"{"Label":"1","ContentProducer":"001191110000100006666010001","ProduceID":"0192f0c1-7e2a-7b3c-8d4e-5f60718293a4","ReservedCode1":"","ContentPropagator":"","PropagateID":"","ReservedCode2":""}"#;

pub struct FakeGenerated {
    request: Request,
    verdict: Verdict,
    model: ModelIdentity,
    artifact: Artifact,
    screening: Screening,
}

impl Origin for FakeGenerated {
    fn request(&self) -> &Request {
        &self.request
    }

    fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    fn model(&self) -> &ModelIdentity {
        &self.model
    }

    fn seed(&self) -> u64 {
        0
    }
}

impl Screened for FakeGenerated {
    fn generated(&self) -> &dyn Generated {
        self
    }

    fn screening(&self) -> &Screening {
        &self.screening
    }
}

impl Generated for FakeGenerated {
    fn artifact(&self) -> &Artifact {
        &self.artifact
    }
}

pub fn generated(picture: Picture, format: FileFormat) -> FakeGenerated {
    FakeGenerated {
        request: Request {
            model: "xiaopin".to_owned(),
            texts: Texts::of("红色高跟鞋".to_owned()),
            seed: 0,
            count: 1,
            run: Run::exact(RunPrecision::F32),
            asked: Asked::Picture(PictureRequest {
                width: picture.width(),
                height: picture.height(),
                num_inference_steps: 1,
                guidance_scale: 1.0,
                guidance_interval: None,
                format,
            }),
        },
        verdict: Verdict::Pass { lexicons: Vec::new(), reviews: Vec::new() },
        model: ModelIdentity { name: "xiaopin".to_owned(), family: "ErnieImagePipeline".to_owned(), sha256: Sha256Digest::of(b"") },
        artifact: Artifact::Picture(picture),
        screening: Screening::by_rule("pictures-off-v1"),
    }
}

/// A design: a triangle, and a drawing of it.
pub fn generated_design(format: FileFormat) -> FakeGenerated {
    let surface = Surface {
        positions: vec![[0.0; 3], [2.0, 0.0, 0.0], [0.0, 1.5, 0.0], [0.0, 0.0, 1e-3]],
        triangles: vec![[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]],
    };
    let drawing = paint(192, 160, |x, y| if x > y { [250; 3] } else { [40, 60, 90] });
    let design = Design { drawing, surface, compliance: 1.0, volume_fraction: 0.5, iterations: 3 };
    let picture = generated(noise(8, 8), FileFormat::Png);
    let asked = Asked::Design(DesignRequest { problem: "volume_fraction = 0.5".to_owned(), format });
    FakeGenerated { request: Request { asked, ..picture.request }, artifact: Artifact::Design(Box::new(design)), ..picture }
}

/// A picture whose pixel at (x, y) is `colour(x, y)`.
pub fn paint(width: u32, height: u32, mut colour: impl FnMut(u32, u32) -> [u8; 3]) -> Picture {
    let mut pixels = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        for x in 0..width {
            pixels.extend(colour(x, y));
        }
    }
    Picture::new(width, height, pixels).unwrap()
}

/// Noise that is the same on every run.
pub fn noise(width: u32, height: u32) -> Picture {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    paint(width, height, |_, _| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let [red, green, blue, ..] = state.to_le_bytes();
        [red, green, blue]
    })
}

pub fn labeller() -> Labeller {
    Labeller::new(Some(PROVIDER_CODE.parse().unwrap())).unwrap()
}

pub fn produce_id() -> ProduceId {
    PRODUCE_ID.parse().unwrap()
}

pub fn label(picture: Picture, format: FileFormat) -> Labelled {
    labeller().label(generated(picture, format), produce_id()).unwrap()
}

pub fn decode(bytes: &[u8]) -> Picture {
    let decoded = image::load_from_memory(bytes).unwrap().into_rgb8();
    let (width, height) = decoded.dimensions();
    Picture::new(width, height, decoded.into_raw()).unwrap()
}

/// A file without any label.
pub fn unlabelled(format: FileFormat) -> Vec<u8> {
    let format = match format {
        FileFormat::Png => image::ImageFormat::Png,
        FileFormat::Jpeg => image::ImageFormat::Jpeg,
        FileFormat::Webp => image::ImageFormat::WebP,
        other => panic!("{other} is not encoded"),
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(64, 64, image::Rgb([90, 140, 200])).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A PNG chunk.
pub fn png_chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind.as_slice(), data].concat();
    [&(data.len() as u32).to_be_bytes()[..], &body, &crc32fast::hash(&body).to_be_bytes()].concat()
}

/// An XMP packet, written here and not by the crate, whose only property is that label.
pub fn packet(label: &str) -> String {
    let escaped = label.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' \
         xmlns:TC260='http://www.tc260.org.cn/ns/AIGC/1.0/'><TC260:AIGC>{escaped}</TC260:AIGC></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
}

/// A PNG with that label in XMP.
pub fn png_with_label(label: &str) -> Vec<u8> {
    let chunk = png_chunk(*b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", packet(label).as_bytes()].concat());
    let bytes = unlabelled(FileFormat::Png);
    [&bytes[..33], &chunk, &bytes[33..]].concat()
}
