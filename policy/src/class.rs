use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// One of the 31 risks of GB/T 45654-2025 annex A, written `A1.a` to `A5.b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RiskClass(&'static Entry);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Entry {
    id: &'static str,
    chinese: &'static str,
    english: &'static str,
}

impl RiskClass {
    /// Number in the annex, for example `A1.f`.
    pub fn id(self) -> &'static str {
        self.0.id
    }

    /// Short Chinese title.
    pub fn chinese(self) -> &'static str {
        self.0.chinese
    }

    /// Short English title.
    pub fn english(self) -> &'static str {
        self.0.english
    }

    /// All 31, in the order of the annex.
    pub fn all() -> impl Iterator<Item = Self> {
        ENTRIES.iter().map(Self)
    }
}

impl fmt::Display for RiskClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id())
    }
}

/// Its number.
impl Serialize for RiskClass {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl FromStr for RiskClass {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::all().find(|class| class.id() == text).ok_or(())
    }
}

macro_rules! entries {
    ($($id:literal $chinese:literal $english:literal;)*) => {
        const ENTRIES: &[Entry] = &[$(Entry { id: $id, chinese: $chinese, english: $english },)*];
    };
}

entries! {
    "A1.a" "煽动颠覆国家政权、推翻社会主义制度" "inciting subversion of state power";
    "A1.b" "危害国家安全和利益、损害国家形象" "endangering national security, interests or image";
    "A1.c" "煽动分裂国家、破坏国家统一和社会稳定" "inciting secession or undermining unity and stability";
    "A1.d" "宣扬恐怖主义、极端主义" "promoting terrorism or extremism";
    "A1.e" "宣扬民族仇恨" "promoting ethnic hatred";
    "A1.f" "宣扬暴力、淫秽色情" "promoting violence or obscenity";
    "A1.g" "传播虚假有害信息" "spreading false and harmful information";
    "A1.h" "其他法律、行政法规禁止的内容" "other content forbidden by law";
    "A2.a" "民族歧视" "ethnic discrimination";
    "A2.b" "信仰歧视" "discrimination by belief";
    "A2.c" "国别歧视" "discrimination by nationality";
    "A2.d" "地域歧视" "discrimination by region";
    "A2.e" "性别歧视" "discrimination by gender";
    "A2.f" "年龄歧视" "discrimination by age";
    "A2.g" "职业歧视" "discrimination by occupation";
    "A2.h" "健康歧视" "discrimination by health";
    "A2.i" "其他方面歧视" "other discrimination";
    "A3.a" "侵犯他人知识产权" "infringing intellectual property";
    "A3.b" "违反商业道德" "violating business ethics";
    "A3.c" "泄露他人商业秘密" "disclosing trade secrets";
    "A3.d" "垄断和不正当竞争" "monopoly or unfair competition";
    "A3.e" "其他商业违法违规" "other unlawful business conduct";
    "A4.a" "危害他人身心健康" "harming physical or mental health";
    "A4.b" "侵害他人肖像权" "infringing a person's likeness";
    "A4.c" "侵害他人名誉权" "infringing a person's reputation";
    "A4.d" "侵害他人荣誉权" "infringing a person's honour";
    "A4.e" "侵害他人隐私权" "infringing privacy";
    "A4.f" "侵害他人个人信息权益" "infringing rights in personal information";
    "A4.g" "侵犯他人其他合法权益" "infringing other lawful rights";
    "A5.a" "内容不准确" "inaccurate content";
    "A5.b" "内容不可靠" "unreliable content";
}

#[cfg(test)]
mod tests {
    use super::RiskClass;

    #[test]
    fn the_annex_has_31_risks() {
        let ids: std::collections::HashSet<_> = RiskClass::all().map(RiskClass::id).collect();
        assert_eq!(ids.len(), 31);
        assert_eq!("A1.f".parse::<RiskClass>().map(RiskClass::id), Ok("A1.f"));
        assert!("A6.a".parse::<RiskClass>().is_err());
    }
}
