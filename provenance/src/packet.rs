use crate::Finding;
use roxmltree::{Document, Node, ParsingOptions};

/// Namespace of the implicit label (TC260-PG-20259A).
pub(crate) const TC260: &str = "http://www.tc260.org.cn/ns/AIGC/1.0/";
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
    let escaped = escape(value);
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

/// Most XML nodes of a document that is a picture itself, and its longest text.
const DOCUMENT_NODE_LIMIT: u32 = 1_000_000;
const DOCUMENT_LIMIT: usize = 32 << 20;

/// How much a text may hold.
#[derive(Clone, Copy, PartialEq)]
enum Extent {
    Packet,
    Document,
}

/// The packet with the label `value` in it, or in the place of the one that it has; all else keeps its bytes. Nothing when it is not
/// well-formed, too complex, or no RDF.
pub(crate) fn update(packet: &[u8], value: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(packet).ok()?.trim_end_matches('\0');
    let document = parse(text.trim_start_matches('\u{feff}'), Extent::Packet).ok()?;
    Some(with_property(document.input_text(), &document, value)?.into_bytes())
}

/// The same for a document, which gets a `metadata` element with the packet where it has none.
pub(crate) fn update_document(text: &str, value: &str) -> Option<String> {
    let document = parse(text.trim_start_matches('\u{feff}'), Extent::Document).ok()?;
    if let Some(written) = with_property(document.input_text(), &document, value) {
        return Some(written);
    }
    let root = document.root_element();
    let text = document.input_text();
    let start = end_of_tag(text, root.range().start)?;
    let (head, rest) = text.split_at_checked(start)?;
    let packet = String::from_utf8(write(value)).ok()?;
    // The packet's own processing instructions are for places without XML around them.
    let body = packet.lines().filter(|line| !line.starts_with("<?xpacket")).collect::<Vec<_>>().join("\n");
    let prefix = root
        .tag_name()
        .namespace()
        .and_then(|namespace| root.lookup_prefix(namespace))
        .map_or(String::new(), |prefix| format!("{prefix}:"));
    let element = format!("\n<{prefix}metadata>\n{body}\n</{prefix}metadata>");
    match head.strip_suffix("/>") {
        Some(head) => {
            let name = text.get(root.range().start + 1..)?.split(|c: char| c.is_whitespace() || c == '/' || c == '>').next()?;
            Some(format!("{head}>{element}</{name}>{rest}"))
        }
        None => Some(format!("{head}{element}{rest}")),
    }
}

/// `text` with the property instead of those that stand there; nothing without RDF.
///
/// The property is always written `<TC260:AIGC>`, its namespace declared around it and never in it: many readers look for just these
/// bytes. Where an earlier one stands in a Description that knows the prefix, it is replaced there; elsewhere it gets a Description of its own.
fn with_property(text: &str, document: &Document<'_>, value: &str) -> Option<String> {
    let element = format!("<TC260:{PROPERTY}>{}</TC260:{PROPERTY}>", escape(value));
    let mut edits: Vec<(std::ops::Range<usize>, String)> = Vec::new();
    let mut placed = false;
    for node in document.descendants().filter(Node::is_element) {
        if node.tag_name().name() == PROPERTY {
            let replaces = !placed && node.parent_element().is_some_and(|parent| is_description(parent) && knows(parent, "TC260", TC260));
            placed |= replaces;
            edits.push((node.range(), if replaces { element.clone() } else { String::new() }));
        }
        for attribute in node.attributes().filter(|found| found.name() == PROPERTY) {
            edits.push((attribute.range(), String::new()));
        }
    }
    if !placed {
        let rdf = document.descendants().find(|node| node.has_tag_name((RDF, "RDF")))?;
        // All descriptions of a packet are about one thing.
        let about =
            rdf.children().find(|child| is_description(*child)).and_then(|child| child.attribute((RDF, "about"))).unwrap_or_default();
        let about = escape(about).replace('"', "&quot;");
        let namespace = if knows(rdf, "rdf", RDF) { String::new() } else { format!(" xmlns:rdf=\"{RDF}\"") };
        let description = format!("<rdf:Description{namespace} rdf:about=\"{about}\" xmlns:TC260=\"{TC260}\">{element}</rdf:Description>");
        let range = rdf.range();
        let close = range.start + text.get(range.clone())?.rfind("</")?;
        edits.push((close..close, description));
    }
    edits.sort_by_key(|(range, _)| range.start);
    let (mut written, mut at) = (String::with_capacity(text.len() + element.len() + 256), 0);
    for (range, replacement) in edits {
        // One property within another goes with it.
        if range.start >= at {
            written.push_str(text.get(at..range.start)?);
            written.push_str(&replacement);
            at = range.end;
        }
    }
    written.push_str(text.get(at..)?);
    Some(written)
}

/// Whether `prefix` stands for `namespace` there.
fn knows(node: Node<'_, '_>, prefix: &str, namespace: &str) -> bool {
    node.lookup_namespace_uri(Some(prefix)) == Some(namespace)
}

/// Whether a packet says anything besides a label; also where it cannot be read.
pub(crate) fn says_more(packet: &[u8]) -> bool {
    let text = std::str::from_utf8(packet).map(|text| text.trim_start_matches('\u{feff}').trim_end_matches(['\0', ' ', '\n', '\r', '\t']));
    let Ok(Ok(document)) = text.map(|text| parse(text, Extent::Packet)) else { return true };
    let is_frame = |node: &Node<'_, '_>| {
        let tag = node.tag_name();
        is_description(*node) || node.has_tag_name((RDF, "RDF")) || tag.name() == "xmpmeta" || tag.name() == PROPERTY
    };
    // The subject of a description, and the name of the program that wrote the packet.
    let is_kept = |name: &str| matches!(name, "about" | "xmptk" | PROPERTY);
    let elements = document.descendants().filter(Node::is_element);
    elements.into_iter().any(|node| !is_frame(&node) || node.attributes().any(|attribute| !is_kept(attribute.name())))
}

/// Where the tag that starts at `start` ends: behind the first `>` outside quotes.
fn end_of_tag(text: &str, start: usize) -> Option<usize> {
    let mut quote = None;
    for (place, byte) in text.bytes().enumerate().skip(start) {
        match (quote, byte) {
            (None, b'>') => return Some(place + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn parse(text: &str, extent: Extent) -> Result<Document<'_>, Finding> {
    let (nodes, length) = match extent {
        Extent::Packet => (NODE_LIMIT, usize::MAX),
        Extent::Document => (DOCUMENT_NODE_LIMIT, DOCUMENT_LIMIT),
    };
    if text.len() > length {
        return Err(Finding::MetadataTooLarge);
    }
    if is_too_complex(text) {
        return Err(Finding::MetadataTooComplex);
    }
    // A document type without entities, as old drawings have one, can neither expand nor refer to anything.
    let allow_dtd = extent == Extent::Document && !text.contains("<!ENTITY");
    let options = ParsingOptions { allow_dtd, nodes_limit: nodes, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => Finding::MetadataTooComplex,
        _ => Finding::XmpMalformed,
    })
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
    read_text(packet, Extent::Packet)
}

/// The same of a whole document, which may have a document type without entities.
pub(crate) fn read_document(document: &[u8]) -> Reading {
    read_text(document, Extent::Document)
}

fn read_text(bytes: &[u8], extent: Extent) -> Reading {
    let mut reading = Reading::default();
    // Packets may be padded with spaces or NULs behind their end.
    let text = std::str::from_utf8(bytes).map(|text| text.trim_start_matches('\u{feff}').trim_end_matches(['\0', ' ', '\n', '\r', '\t']));
    match text.map_err(|_| Finding::XmpMalformed).and_then(|text| parse(text, extent)) {
        Ok(document) => {
            for node in document.descendants().filter(Node::is_element) {
                reading.add_element(node);
                reading.add_attributes(node);
            }
        }
        Err(finding) => reading.findings.push(finding),
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
    use super::{Reading, read, update, write};
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

    #[test]
    fn an_update_keeps_the_rest_of_a_packet() {
        let packet = |inner: &str| {
            format!(
                "<x:xmpmeta xmlns:x='adobe:ns:meta/'><r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' \
                 xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:TC260='http://www.tc260.org.cn/ns/AIGC/1.0/'>{inner}</r:RDF></x:xmpmeta>"
            )
        };
        for inner in [
            "<r:Description r:about='a&quot;b' dc:format='image/png'/>",
            "<r:Description r:about=''><dc:title>一张图</dc:title><TC260:AIGC>{old}</TC260:AIGC></r:Description>",
            "<r:Description TC260:AIGC='{old}' dc:format='image/png'></r:Description>",
            "<r:Description><t:AIGC xmlns:t='http://www.tc260.org.cn/ns/AIGC/1.0/'>{old}</t:AIGC></r:Description>",
            "<r:Description><TC260:AIGC xmlns:TC260='http://www.tc260.org.cn/ns/AIGC/1.0/'>{old}</TC260:AIGC></r:Description>",
            "<r:Description xmlns:TC260='urn:another'><TC260:AIGC xmlns:TC260='http://www.tc260.org.cn/ns/AIGC/1.0/'>{old}</TC260:AIGC></r:Description>",
            "<TC260:AIGC>{old}</TC260:AIGC>",
        ] {
            let written = update(packet(inner).as_bytes(), "{\"a\":\"<&>\"}").unwrap();
            let reading = read(&written);
            assert_eq!(
                (reading.values.as_slice(), reading.findings.as_slice()),
                (["{\"a\":\"<&>\"}".to_owned()].as_slice(), [].as_slice()),
                "{inner}"
            );
            let text = String::from_utf8(written).unwrap();
            assert!(text.contains("<TC260:AIGC>{\"a\":\"&lt;&amp;&gt;\"}</TC260:AIGC>"), "the form that literal readers find: {text}");
            for kept in ["dc:format='image/png'", "<dc:title>一张图</dc:title>", "r:about='a&quot;b'"] {
                assert_eq!(text.contains(kept), inner.contains(kept), "{text}");
            }
            assert_eq!(update(text.as_bytes(), "{\"a\":\"<&>\"}").unwrap(), text.as_bytes(), "a second time changes nothing");
        }
        for text in ["", "<a/>", "<a", "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>"] {
            assert_eq!(update(text.as_bytes(), "{}"), None, "{text}");
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
