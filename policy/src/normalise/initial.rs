//! Single letters that stand for syllables (分l国家 for 分裂国家): every ideograph becomes the first letter of its sound.
use super::{Gap, Normalised, is_ideographic};
use pinyin::ToPinyin as _;

/// Stands for what has no first letter, and for letters that belong to a word.
const BARRIER: char = '\u{1}';

fn initial(character: char) -> char {
    let sound = character.to_pinyin().and_then(|reading| reading.plain().chars().next());
    sound.filter(char::is_ascii_lowercase).unwrap_or(BARRIER)
}

/// Whether the letter at `at` stands alone and touches an ideograph.
fn stands_alone(plain: &Normalised, at: usize) -> bool {
    let Some(unit) = plain.units.get(at).filter(|unit| unit.character.is_ascii_lowercase()) else { return false };
    let before = at.checked_sub(1).and_then(|before| plain.units.get(before)).filter(|_| unit.gap == Gap::None);
    let after = plain.units.get(at + 1).filter(|after| after.gap == Gap::None);
    let is_ideograph = |neighbour: &super::Unit| is_ideographic(neighbour.character);
    before.into_iter().chain(after).all(is_ideograph) && before.or(after).is_some()
}

/// The first letters of a text, one for each of its characters; letters that were written are marked as altered. Nothing when
/// no letter stands alone.
pub(crate) fn initials(plain: &Normalised) -> Option<Normalised> {
    if !(0..plain.units.len()).any(|at| stands_alone(plain, at)) {
        return None;
    }
    let mut read = Normalised::with_capacity(plain.units.len());
    for (at, unit) in plain.units.iter().enumerate() {
        let letter = stands_alone(plain, at);
        let character = if letter { unit.character } else { initial(unit.character) };
        read.push(character, unit.source, unit.gap, letter);
    }
    Some(read)
}

/// The first letters of a term of ideographs only; nothing for other terms.
pub(crate) fn initials_of_term(term: &Normalised) -> Option<String> {
    let letters: String = term.units.iter().map(|unit| initial(unit.character)).collect();
    Some(letters).filter(|letters| !letters.contains(BARRIER))
}

#[cfg(test)]
mod tests {
    use super::{initials, initials_of_term};
    use crate::normalise::Normalised;

    #[test]
    fn single_letters_stand_for_syllables() {
        let read = initials(&Normalised::new("分l国家")).unwrap();
        assert_eq!(Some(&read.text), initials_of_term(&Normalised::new("分裂国家")).as_ref());
        assert_eq!(read.units.iter().filter(|unit| unit.altered).count(), 1);
        assert!(initials(&Normalised::new("3D 风格 the end")).is_none());
        assert!(initials_of_term(&Normalised::new("ai换脸")).is_none());
    }
}
