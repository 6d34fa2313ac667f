use crate::Error;
use std::fmt;
use std::str::FromStr;

/// A provider code of 27 characters after TC260-PG-20252A, for an organisation (the only kind whose rules we could read):
///
/// ```text
/// 1-2   00   format definition
/// 3     1    subject type: organisation
/// 4     1    bound to the unified social credit code
/// 5-22       unified social credit code (GB 32100), its last character the check digit
/// 23         service type: 1 generation, 2 propagation; 0 when 23-27 are not used
/// 24-27      the organisation's own code of the model or application
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProviderCode(String);

/// What a provider code says its service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceType {
    /// `00000`: the service part is not used.
    Unspecified,
    /// Generates content.
    Generation,
    /// Spreads content.
    Propagation,
}

impl ProviderCode {
    /// All 27 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The unified social credit code, 18 characters.
    pub fn social_credit_code(&self) -> &str {
        self.0.get(4..22).unwrap_or_default()
    }

    /// What the service part says.
    pub fn service_type(&self) -> ServiceType {
        match self.0.as_bytes().get(22) {
            Some(b'1') => ServiceType::Generation,
            Some(b'2') => ServiceType::Propagation,
            _ => ServiceType::Unspecified,
        }
    }
}

impl fmt::Display for ProviderCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for ProviderCode {
    type Err = Error;

    fn from_str(code: &str) -> Result<Self, Error> {
        let invalid = |english, chinese| Err(Error::ProviderCodeInvalid { code: code.to_owned(), english, chinese });
        if code.len() != 27 || !code.is_ascii() {
            return invalid("it needs 27 digits and capital letters", "应为 27 位数字或大写字母");
        }
        let (Some(head), Some(subject), Some(service)) = (code.get(..4), code.get(4..22), code.get(22..)) else {
            return invalid("it needs 27 digits and capital letters", "应为 27 位数字或大写字母");
        };
        if head != "0011" {
            return invalid(
                "characters 1 to 4 must be 0011 (an organisation, bound to its unified social credit code)",
                "第 1–4 位应为 0011（组织机构，绑定统一社会信用代码）",
            );
        }
        if check_digit(subject) != subject.chars().next_back() {
            return invalid(
                "characters 5 to 22 are not a unified social credit code with a correct check digit",
                "第 5–22 位不是校验码正确的统一社会信用代码",
            );
        }
        let plain = service.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        if service != "00000" && !(plain && service.starts_with(['1', '2'])) {
            return invalid(
                "characters 23 to 27 must be 00000, or 1 (generation) or 2 (propagation) and four digits or capitals",
                "第 23–27 位应为 00000，或以 1（生成）、2（传播）开头加四位数字或大写字母",
            );
        }
        Ok(Self(code.to_owned()))
    }
}

/// Check digit of GB 32100 over the first 17 characters of `code`; nothing when one of them is not in its alphabet.
fn check_digit(code: &str) -> Option<char> {
    // Digits and capitals without I, O, S, V, Z.
    const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    // Powers of 3 modulo 31.
    const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    let mut sum = 0;
    for (character, weight) in code.chars().zip(WEIGHTS) {
        sum += ALPHABET.find(character)? * weight;
    }
    ALPHABET.chars().nth((31 - sum % 31) % 31)
}

#[cfg(test)]
mod tests {
    use super::{ProviderCode, ServiceType, check_digit};

    #[test]
    fn check_digits_of_real_companies() {
        for code in [
            "91110102MACQD9K640",
            "91440300708461136T",
            "91110000802100433B",
            "91440300MA5G49LC9K",
            "91110108MA01KP2T5U",
            "91440300MA5FYBFG1P",
            "91110114MACY9KQ17M",
            "91320118MAK93FC72D",
        ] {
            assert_eq!(check_digit(code), code.chars().last(), "{code}");
        }
    }

    #[test]
    fn parses_codes_seen_in_the_wild() {
        for (text, service_type) in [
            ("001191110102MACQD9K64010000", ServiceType::Generation),
            ("001191440300708461136T1XGW3", ServiceType::Generation),
            ("001191110102MACQD9K64028705", ServiceType::Propagation),
            ("001191440300MA5G49LC9K1YO01", ServiceType::Generation),
            ("001191110000100006666000000", ServiceType::Unspecified),
        ] {
            let code: ProviderCode = text.parse().unwrap();
            assert_eq!(code.service_type(), service_type);
            assert_eq!(code.to_string(), text);
        }
    }

    #[test]
    fn every_single_wrong_character_is_found() {
        let good = "001191110000100006666010001";
        assert!(good.parse::<ProviderCode>().is_ok());
        for position in 0..22 {
            for replacement in b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" {
                let mut bytes = good.as_bytes().to_vec();
                if bytes[position] == *replacement {
                    continue;
                }
                bytes[position] = *replacement;
                let text = String::from_utf8(bytes).unwrap();
                assert!(text.parse::<ProviderCode>().is_err(), "{text}");
            }
        }
        for text in ["", "0011911100001000066660", "001191110000100006666030001", "00119111000010000666601000a", "字".repeat(9).as_str()] {
            assert!(text.parse::<ProviderCode>().is_err(), "{text:?}");
        }
    }
}
