//! Designs carry both labels in either of their formats, and no other format takes them.

mod support;

use provenance::{Error, LabelVerdict, read_labels, read_picture, read_watermark};
use spec::FileFormat;
use spec::stage::Labelled as _;
use support::{LABEL_JSON, generated_design, labeller, produce_id};

#[test]
fn a_surface_says_what_it_is_in_its_name() {
    let labelled = labeller().with_watermark([7; 32]).label(generated_design(FileFormat::Stl), produce_id()).unwrap();
    let text = std::str::from_utf8(labelled.bytes()).unwrap();
    let name = text.lines().next().unwrap();
    assert_eq!(name, format!("solid AI-generated AI\\u751f\\u6210 AIGC={LABEL_JSON}"));
    assert!(text.is_ascii());
    assert_eq!(text.matches("facet normal").count(), 4);
    let report = read_labels(labelled.bytes());
    assert_eq!(
        (report.format, report.verdict, report.findings.as_slice()),
        (Some(FileFormat::Stl), LabelVerdict::Compliant, [].as_slice())
    );
    assert_eq!(report.label.as_ref(), Some(labelled.production().unwrap().label));
    assert_eq!((labelled.production().unwrap().explicit_label, labelled.production().unwrap().watermarked), ("AI生成", false));
}

#[test]
fn a_drawing_is_marked_as_pictures_are() {
    let labelled = labeller().with_watermark([7; 32]).label(generated_design(FileFormat::Png), produce_id()).unwrap();
    assert_eq!(read_labels(labelled.bytes()).verdict, LabelVerdict::Compliant);
    let picture = read_picture(labelled.bytes()).unwrap();
    assert_eq!((picture.width(), picture.height()), (192, 160));
    let found = read_watermark(labelled.bytes(), [7; 32]);
    assert_eq!(found, labelled.production().unwrap().watermarked.then(|| produce_id().mark()));
}

#[test]
fn other_formats_are_refused() {
    for format in [FileFormat::Jpeg, FileFormat::Glb] {
        let refused = labeller().label(generated_design(format), produce_id());
        assert!(matches!(refused, Err(Error::NotADesignFormat(of)) if of == format));
    }
}
