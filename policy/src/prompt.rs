use crate::Error;
use crate::normalise::is_invisible;

/// Longest prompt, in characters. The text encoders of the supported families read a few hundred tokens; ten times that
/// leaves room for any description that a person writes.
pub const MAXIMUM_PROMPT_CHARACTERS: usize = 2_000;

/// Checks that `prompt` is a text that someone wrote: not empty (or only spaces and invisible characters), at most
/// [`MAXIMUM_PROMPT_CHARACTERS`], and without control characters other than tab and line ends.
pub fn validate_prompt(prompt: &str) -> Result<(), Error> {
    let length = prompt.chars().count();
    if length > MAXIMUM_PROMPT_CHARACTERS {
        return Err(Error::PromptTooLong { length, limit: MAXIMUM_PROMPT_CHARACTERS });
    }
    let forbidden = prompt.char_indices().find(|(_, character)| character.is_control() && !matches!(character, '\t' | '\n' | '\r'));
    if let Some((offset, character)) = forbidden {
        return Err(Error::PromptControlCharacter { character: u32::from(character), offset });
    }
    if prompt.chars().all(|character| character.is_whitespace() || is_invisible(character)) {
        return Err(Error::PromptEmpty);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::validate_prompt;
    use crate::Error;

    #[test]
    fn accepts_what_people_write() {
        for prompt in ["红色高跟鞋", "two dogs,\nblue background", "👩‍🚀"] {
            assert!(validate_prompt(prompt).is_ok(), "{prompt:?}");
        }
        assert!(validate_prompt(&"画".repeat(2_000)).is_ok());
    }

    #[test]
    fn refuses_nothing_too_much_and_control() {
        for prompt in ["", " \n\t　", "\u{200b}\u{feff} "] {
            assert!(matches!(validate_prompt(prompt), Err(Error::PromptEmpty)), "{prompt:?}");
        }
        assert!(matches!(validate_prompt(&"画".repeat(2_001)), Err(Error::PromptTooLong { length: 2_001, .. })));
        assert!(matches!(validate_prompt("红\u{7}色"), Err(Error::PromptControlCharacter { character: 7, offset: 3 })));
    }
}
