use crate::Finding;
use roxmltree::{Document, Node, ParsingOptions};

/// Namespace of the implicit label (TC260-PG-20259A).
const TC260: &str = "http://www.tc260.org.cn/ns/AIGC/1.0/";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const PROPERTY: &str = "AIGC";

/// XML nodes read from one packet; real packets with an editing history have a few thousand.
const NODE_LIMIT: u32 = 10_000;
/// `=` within one tag: the parser compares each attribute with all others, so their number is bounded first.
const ATTRIBUTE_LIMIT: usize = 256;
/// Open elements within one another: each inherits the namespaces of all.
const DEPTH_LIMIT: usize = 128;

/// The XMP packet whose only property is the label `value`.
pub(crate) fn write(value: &str) -> Vec<u8> {
    let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n \
         <rdf:RDF xmlns:rdf=\"{RDF}\">\n  \
         <rdf:Description rdf:about=\"\" xmlns:TC260=\"{TC260}\">\n   \
         <TC260:AIGC>{escaped}</TC260:AIGC>\n  \
         </rdf:Description>\n \
         </rdf:RDF>\n\
         </x:xmpmeta>\n\
         <?xpacket end=\"r\"?>"
    )
    .into_bytes()
}

/// What one packet says.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Values of all AIGC properties.
    pub(crate) values: Vec<String>,
    pub(crate) findings: Vec<Finding>,
}

/// Reads the AIGC properties of a packet, in the element and in the attribute form. No document types, so no entities but
/// the five of XML.
pub(crate) fn read(packet: &[u8]) -> Reading {
    let mut reading = Reading::default();
    // Packets may be padded with spaces or NULs behind their end.
    let text = std::str::from_utf8(packet).map(|text| text.trim_start_matches('\u{feff}').trim_end_matches(['\0', ' ', '\n', '\r', '\t']));
    let Ok(text) = text else {
        reading.findings.push(Finding::XmpMalformed);
        return reading;
    };
    if is_too_complex(text) {
        reading.findings.push(Finding::MetadataTooComplex);
        return reading;
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODE_LIMIT, ..ParsingOptions::default() };
    match Document::parse_with_options(text, options) {
        Ok(document) => {
            for node in document.descendants().filter(Node::is_element) {
                reading.add_element(node);
                reading.add_attributes(node);
            }
        }
        Err(roxmltree::Error::NodesLimitReached) => {
            reading.findings.push(Finding::MetadataTooComplex);
        }
        Err(_) => reading.findings.push(Finding::XmpMalformed),
    }
    reading
}

impl Reading {
    fn add_element(&mut self, node: Node<'_, '_>) {
        if node.tag_name().name() != PROPERTY {
            return;
        }
        self.check_namespace(node.tag_name().namespace());
        let in_description = node.parent_element().is_some_and(is_description);
        if !in_description || node.children().any(|child| child.is_element()) {
            self.findings.push(Finding::PropertyMisplaced);
        }
        let text = node.children().filter_map(|child| child.text()).collect();
        self.values.push(text);
    }

    fn add_attributes(&mut self, node: Node<'_, '_>) {
        for attribute in node.attributes().filter(|found| found.name() == PROPERTY) {
            self.check_namespace(attribute.namespace());
            if !is_description(node) {
                self.findings.push(Finding::PropertyMisplaced);
            }
            self.values.push(attribute.value().to_owned());
        }
    }

    fn check_namespace(&mut self, namespace: Option<&str>) {
        if namespace != Some(TC260) {
            self.findings.push(Finding::NamespaceUnknown);
        }
    }
}

fn is_description(node: Node<'_, '_>) -> bool {
    node.has_tag_name((RDF, "Description"))
}

/// A linear look ahead of the parser at the two things whose cost grows faster than the text.
fn is_too_complex(text: &str) -> bool {
    let (mut attributes, mut depth) = (0, 0_usize);
    let mut bytes = text.bytes().peekable();
    let mut previous = 0;
    while let Some(byte) = bytes.next() {
        match byte {
            b'<' => {
                attributes = 0;
                match bytes.peek() {
                    Some(b'/') => depth = depth.saturating_sub(1),
                    Some(b'?' | b'!') => {}
                    _ => depth += 1,
                }
            }
            b'>' if previous == b'/' => depth = depth.saturating_sub(1),
            b'=' => attributes += 1,
            _ => {}
        }
        if attributes > ATTRIBUTE_LIMIT || depth > DEPTH_LIMIT {
            return true;
        }
        previous = byte;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{Reading, read, write};
    use crate::Finding;
    use std::time::{Duration, Instant};

    fn in_description(inner: &str) -> Reading {
        read(
            format!(
                "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
             xmlns:TC260=\"http://www.tc260.org.cn/ns/AIGC/1.0/\">{inner}</rdf:RDF></x:xmpmeta>"
            )
            .as_bytes(),
        )
    }

    #[test]
    fn a_written_value_reads_back_whatever_it_holds() {
        let value = r#"{"a":"<&>'\"]]>"}"#;
        let reading = read(&write(value));
        assert_eq!(reading.values, [value]);
        assert_eq!(reading.findings, []);
    }

    #[test]
    fn reads_the_serialisations_seen_in_the_wild() {
        for inner in [
            "<rdf:Description><TC260:AIGC>{&quot;Label&quot;:&quot;1&quot;}</TC260:AIGC></rdf:Description>",
            "<rdf:Description TC260:AIGC='{\"Label\":\"1\"}'/>",
            "<rdf:Description><TC260:AIGC><![CDATA[{\"Label\":\"1\"}]]></TC260:AIGC></rdf:Description>",
        ] {
            let reading = in_description(inner);
            assert_eq!(reading.values, [r#"{"Label":"1"}"#], "{inner}");
            assert_eq!(reading.findings, []);
        }
    }

    #[test]
    fn wrong_places_and_names_are_findings() {
        for (inner, finding) in [
            ("<TC260:AIGC>{}</TC260:AIGC>", Finding::PropertyMisplaced),
            ("<rdf:Description><TC260:AIGC><b>{}</b></TC260:AIGC></rdf:Description>", Finding::PropertyMisplaced),
            ("<rdf:Description xmlns:n='urn:x'><n:AIGC>{}</n:AIGC></rdf:Description>", Finding::NamespaceUnknown),
            ("<rdf:Description AIGC='{}'/>", Finding::NamespaceUnknown),
        ] {
            assert_eq!(in_description(inner).findings, [finding], "{inner}");
        }
    }

    fn attributes(count: usize, write: impl FnMut(usize) -> String) -> String {
        (0..count).map(write).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn hostile_packets_neither_hang_nor_expand() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"AIGC\"><!ENTITY c \"&b;&b;&b;&b;\">]><a>&c;</a>";
        let external = "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>";
        for (packet, finding) in [
            (bomb.to_owned(), Finding::XmpMalformed),
            (external.to_owned(), Finding::XmpMalformed),
            ("<a".to_owned(), Finding::XmpMalformed),
            ("<a>".repeat(80_000), Finding::MetadataTooComplex),
            (format!("<a>{}</a>", "<b/>".repeat(60_000)), Finding::MetadataTooComplex),
            (format!("<a {}/>", attributes(30_000, |i| format!("a{i}=''"))), Finding::MetadataTooComplex),
            (format!("<a {}/>", attributes(250, |i| format!("xmlns:a{i}='u{i}'"))), Finding::XmpMalformed),
        ] {
            let started = Instant::now();
            let reading = read(packet.as_bytes());
            assert!(started.elapsed() < Duration::from_secs(2));
            assert!(reading.values.is_empty());
            // Many namespaces are merely slow to parse, and harmless in this number.
            if !packet.contains("xmlns") {
                assert_eq!(reading.findings, [finding], "{}", &packet[..20.min(packet.len())]);
            }
        }
        assert_eq!(read(b"\xff\xfe<\0").findings, [Finding::XmpMalformed]);
    }
}
