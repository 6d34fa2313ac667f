use serde::Serialize;

/// What a finding means for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Breaks a rule of GB 45438-2025 or of the image guide TC260-PG-20259A, as we read them.
    Violation,
    /// The file, or a part of it, could not be judged.
    Doubt,
    /// Worth knowing; changes no verdict.
    Note,
}

macro_rules! findings {
    ($($severity:ident $variant:ident = $code:literal, $english:literal, $chinese:literal;)*) => {
        /// One thing that [`crate::read_labels`] has to say about a file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
        #[non_exhaustive]
        #[allow(rustdoc::bare_urls, reason = "the texts are for terminals")]
        pub enum Finding { $(#[doc = $english] #[serde(rename = $code)] $variant,)* }

        impl Finding {
            /// All of them.
            pub const ALL: &[Finding] = &[$(Finding::$variant,)*];
            /// Stable name.
            pub fn code(self) -> &'static str { match self { $(Self::$variant => $code,)* } }
            /// What it means for the verdict.
            pub fn severity(self) -> Severity { match self { $(Self::$variant => Severity::$severity,)* } }
            /// In English.
            pub fn english(self) -> &'static str { match self { $(Self::$variant => $english,)* } }
            /// In Chinese.
            pub fn chinese(self) -> &'static str { match self { $(Self::$variant => $chinese,)* } }
        }
    };
}

findings! {
    Violation DuplicateLabel = "duplicate_label", "the file holds more than one implicit label", "文件中有多份隐式标识";
    Violation ValueNotJson = "value_not_json", "the label's value is not one JSON object", "标识内容不是单个 JSON 对象";
    Violation WrapperUnexpected = "wrapper_unexpected", "in XMP the label must not be wrapped in {\"AIGC\":…}", "XMP 中的标识不应再以 {\"AIGC\":…} 包裹";
    Violation WrapperMissing = "wrapper_missing", "outside XMP the label must be wrapped in {\"AIGC\":…}", "XMP 之外的标识应以 {\"AIGC\":…} 包裹";
    Violation KeyMissing = "key_missing", "one of the seven keys is missing", "七个字段缺项";
    Violation KeyUnknown = "key_unknown", "there is a key that the standard does not have", "有标准之外的字段";
    Violation KeyDuplicate = "key_duplicate", "a key stands more than once", "字段重复";
    Violation KeyOrder = "key_order", "the keys are not in the order of the standard", "字段顺序与标准不符";
    Violation ValueNotString = "value_not_string", "a value is not a string", "字段值不是字符串";
    Violation CharacterSet = "character_set", "a value holds characters outside 0x21-0x7E", "字段值含 0x21–0x7E 以外的字符";
    Violation LabelValue = "label_value", "Label is not \"1\", \"2\" or \"3\"", "Label 不是 \"1\"、\"2\" 或 \"3\"";
    Violation ProducerMissing = "producer_missing", "ContentProducer is empty", "ContentProducer 为空";
    Violation ProduceIdMissing = "produce_id_missing", "ProduceID is empty", "ProduceID 为空";
    Violation PropagatorMissing = "propagator_missing", "Label is 2 or 3, but neither producer nor propagator is named", "Label 为 2 或 3，但制作方与传播方均未填写";
    Violation NamespaceUnknown = "namespace_unknown", "an AIGC property is not in the namespace http://www.tc260.org.cn/ns/AIGC/1.0/", "AIGC 属性不在命名空间 http://www.tc260.org.cn/ns/AIGC/1.0/ 中";
    Violation PropertyMisplaced = "property_misplaced", "the AIGC property is not a plain property of an rdf:Description, or not of the file's own packet", "AIGC 不是 rdf:Description 的简单属性，或不在描述该文件的数据包中";
    Violation WebpFlagMissing = "webp_flag_missing", "the WebP header does not announce its XMP chunk", "WebP 头未声明 XMP 数据块";
    Violation SignatureInvalid = "signature_invalid", "the signature in the security data does not fit the label: a signed field was changed", "安全防护数据中的签名与标识不符：被签名的字段已被改动";
    Doubt FormatUnknown = "format_unknown", "not a file of a format whose label is read (PNG, JPEG, WebP, TIFF, GIF, SVG, MP4, GLB, HEIF, AVIF)", "不是可读取标识的文件格式（PNG、JPEG、WebP、TIFF、GIF、SVG、MP4、GLB、HEIF、AVIF）";
    Doubt ContainerDamaged = "container_damaged", "the file is damaged or cut short", "文件损坏或不完整";
    Doubt LayoutUnsupported = "layout_unsupported", "the file is of a kind of this format that is not read", "不支持读取该格式的这一变体";
    Doubt MetadataTooLarge = "metadata_too_large", "there is more metadata than is read", "元数据过大，未全部读取";
    Doubt MetadataTooComplex = "metadata_too_complex", "the XMP is more complex than is read", "XMP 过于复杂，未读取";
    Doubt MetadataCompressed = "metadata_compressed", "the XMP is compressed, which is not read", "XMP 经过压缩，未读取";
    Doubt MetadataExtended = "metadata_extended", "the file uses extended XMP, which is not read", "文件使用扩展 XMP，未读取";
    Doubt XmpMalformed = "xmp_malformed", "the XMP is not well-formed XML without a document type", "XMP 不是合法的（不含文档类型声明的）XML";
    Note PlacementAlternative = "placement_alternative", "the label stands in an alternative place, not in XMP", "标识不在 XMP 中，而在备选位置";
    Note PlacementLate = "placement_late", "the label stands after the image data", "标识位于图像数据之后";
    Note SignatureUnsupported = "signature_unsupported", "the security data is signed with an algorithm that this build cannot check", "安全防护数据的签名算法在当前构建中无法校验";
    Note ProducerNotACode = "producer_not_a_code", "ContentProducer is not a valid 27-character provider code", "ContentProducer 不是有效的 27 位服务提供者编码";
    Note ProduceIdNotUuid = "produce_id_not_uuid", "ProduceID is not a UUID", "ProduceID 不是 UUID";
}

#[cfg(test)]
mod tests {
    use super::Finding;

    #[test]
    fn codes_are_distinct() {
        let codes: std::collections::HashSet<_> = Finding::ALL.iter().map(|finding| finding.code()).collect();
        assert_eq!(codes.len(), Finding::ALL.len());
    }
}
