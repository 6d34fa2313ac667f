//! Chinese numerals and digits as one.
use super::Normalised;

/// The digit that a Chinese numeral, everyday or financial, stands for; digits stand for themselves.
pub(crate) fn digit(character: char) -> Option<char> {
    Some(match character {
        '〇' | '零' => '0',
        '一' | '壹' => '1',
        '二' | '贰' | '两' => '2',
        '三' | '叁' => '3',
        '四' | '肆' => '4',
        '五' | '伍' => '5',
        '六' | '陆' => '6',
        '七' | '柒' => '7',
        '八' | '捌' => '8',
        '九' | '玖' => '9',
        '0'..='9' => character,
        _ => return None,
    })
}

/// Writes numerals as digits; nothing when the text has neither.
pub(crate) fn numerals(plain: &Normalised) -> Option<Normalised> {
    if !plain.units.iter().any(|unit| digit(unit.character).is_some()) {
        return None;
    }
    let mut read = Normalised::with_capacity(plain.text.len());
    for unit in &plain.units {
        let figure = digit(unit.character);
        read.push(figure.unwrap_or(unit.character), unit.source, unit.gap, figure.is_some());
    }
    Some(read)
}
