//! Pictographs that stand for words (💧印 for 水印).
use super::{Gap, Normalised};
use std::sync::LazyLock;

/// Pictographs and the words that people write them for. Those that only decorate (✨, ❤) are left out.
const WORDS: &[(&str, &str)] = &[
    ("💧", "水"),
    ("💦", "水"),
    ("🚰", "水"),
    ("🖨", "印"),
    ("🏷", "标签"),
    ("🔖", "标签"),
    ("❌", "去掉"),
    ("✖", "去掉"),
    ("🚫", "去掉"),
    ("🧹", "清除"),
    ("🧽", "擦除"),
    ("✂", "裁掉"),
    ("🗑", "删除"),
    ("🙈", "遮住"),
    ("🔫", "枪"),
    ("💣", "炸弹"),
    ("🧨", "炸药"),
    ("🔪", "刀"),
    ("🗡", "刀"),
    ("🔥", "烧"),
    ("🩸", "血"),
    ("☠", "毒"),
    ("💊", "药"),
    ("💉", "注射"),
    ("🎰", "老虎机"),
    ("🎲", "骰子"),
    ("💵", "钞票"),
    ("💴", "钞票"),
    ("💶", "钞票"),
    ("💷", "钞票"),
    ("💳", "银行卡"),
    ("🆔", "身份证"),
    ("🔞", "18禁"),
    ("🇨🇳", "国旗"),
    ("👶", "儿童"),
    ("🧒", "儿童"),
    ("👧", "女孩"),
    ("👦", "男孩"),
    ("👮", "警察"),
    ("🤖", "ai"),
];

/// The first pictograph of [`WORDS`] in the order of Unicode: texts without any such character are not looked at twice.
const FIRST_PICTOGRAPH: char = '\u{2600}';

/// First characters of the words, in order.
static FIRSTS: LazyLock<Vec<char>> = LazyLock::new(|| {
    let mut firsts: Vec<char> = WORDS.iter().filter_map(|(_, word)| word.chars().next()).collect();
    firsts.sort_unstable();
    firsts
});

/// Whether a term could be hidden behind a pictograph.
pub(crate) fn has_pictured(term: &Normalised) -> bool {
    term.units.iter().any(|unit| FIRSTS.binary_search(&unit.character).is_ok())
}

/// Writes pictographs as words; nothing when the text has none.
pub(crate) fn emoji(text: &str, plain: &Normalised) -> Option<Normalised> {
    let mut read: Option<Normalised> = None;
    let mut units = plain.units.iter().peekable();
    let mut after_picture = false;
    let mut skipped_to = 0;
    for (offset, _) in text.char_indices().filter(|(_, character)| is_pictograph(*character)) {
        let found = text.get(offset..).and_then(|rest| WORDS.iter().find(|(picture, _)| rest.starts_with(picture)));
        let Some((picture, word)) = found.filter(|_| offset >= skipped_to) else { continue };
        skipped_to = offset + picture.len();
        let read = read.get_or_insert_with(|| Normalised::with_capacity(text.len()));
        copy_until(read, &mut units, offset, &mut after_picture);
        for part in word.chars() {
            read.push(part, (offset, skipped_to), Gap::None, true);
        }
        after_picture = true;
    }
    let mut read = read?;
    copy_until(&mut read, &mut units, text.len(), &mut after_picture);
    Some(read)
}

/// Copies the characters that begin before byte `end`. What follows a pictograph touches it: the gap there was the pictograph.
fn copy_until<'a>(
    read: &mut Normalised,
    units: &mut std::iter::Peekable<impl Iterator<Item = &'a super::Unit>>,
    end: usize,
    after_picture: &mut bool,
) {
    while let Some(unit) = units.next_if(|unit| unit.source.0 < end) {
        let gap = if std::mem::take(after_picture) { Gap::None } else { unit.gap };
        read.push(unit.character, unit.source, gap, false);
    }
}

fn is_pictograph(character: char) -> bool {
    matches!(character, FIRST_PICTOGRAPH..='\u{27BF}' | '\u{1F000}'..='\u{1FAFF}')
}

#[cfg(test)]
mod tests {
    use super::{WORDS, emoji, is_pictograph};
    use crate::normalise::Normalised;

    fn read(text: &str) -> Option<String> {
        emoji(text, &Normalised::new(text)).map(|read| read.text)
    }

    #[test]
    fn pictures_become_words_and_keep_their_place() {
        assert_eq!(read("去除💧印").as_deref(), Some("去除水印"));
        assert_eq!(read("🔫支和🇨🇳").as_deref(), Some("枪支和国旗"));
        assert_eq!(read("✂️ 角标").as_deref(), Some("裁掉角标"));
        assert_eq!(read("普通文字✨"), None);
        let written = "自制🔫支";
        let view = emoji(written, &Normalised::new(written)).unwrap();
        assert_eq!(&written[view.units[2].source.0..view.units[2].source.1], "🔫");
        for (picture, _) in WORDS {
            assert!(picture.chars().next().is_some_and(is_pictograph), "{picture}");
        }
    }
}
