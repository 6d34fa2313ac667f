//! Common misspellings, whole words in any case, in sources and documents.
use crate::repository;
use anyhow::Result;
use std::fs;
use std::path::Path;

/// Wrong, right.
const TYPOS: &[(&str, &str)] = &[
    ("accomodate", "accommodate"),
    ("acheive", "achieve"),
    ("accross", "across"),
    ("adress", "address"),
    ("agressive", "aggressive"),
    ("algorithim", "algorithm"),
    ("allready", "already"),
    ("alot", "a lot"),
    ("apparantly", "apparently"),
    ("appearence", "appearance"),
    ("arguement", "argument"),
    ("begining", "beginning"),
    ("beleive", "believe"),
    ("calender", "calendar"),
    ("catagory", "category"),
    ("commited", "committed"),
    ("comparision", "comparison"),
    ("completly", "completely"),
    ("concensus", "consensus"),
    ("consistant", "consistent"),
    ("curently", "currently"),
    ("definately", "definitely"),
    ("dependant", "dependent"),
    ("dependancy", "dependency"),
    ("dependancies", "dependencies"),
    ("desireable", "desirable"),
    ("diffrent", "different"),
    ("embarass", "embarrass"),
    ("enviroment", "environment"),
    ("existance", "existence"),
    ("explicitely", "explicitly"),
    ("fourty", "forty"),
    ("gaurd", "guard"),
    ("guarentee", "guarantee"),
    ("heirarchy", "hierarchy"),
    ("immediatly", "immediately"),
    ("independant", "independent"),
    ("intial", "initial"),
    ("lenght", "length"),
    ("liason", "liaison"),
    ("maintainance", "maintenance"),
    ("neccessary", "necessary"),
    ("noticable", "noticeable"),
    ("occured", "occurred"),
    ("occurence", "occurrence"),
    ("occuring", "occurring"),
    ("paramter", "parameter"),
    ("persistant", "persistent"),
    ("posession", "possession"),
    ("preceed", "precede"),
    ("prefered", "preferred"),
    ("privelege", "privilege"),
    ("propogate", "propagate"),
    ("publically", "publicly"),
    ("reccomend", "recommend"),
    ("recieve", "receive"),
    ("recieved", "received"),
    ("refered", "referred"),
    ("relevent", "relevant"),
    ("responsability", "responsibility"),
    ("retreive", "retrieve"),
    ("seperate", "separate"),
    ("seperately", "separately"),
    ("similiar", "similar"),
    ("succesful", "successful"),
    ("succesfully", "successfully"),
    ("suported", "supported"),
    ("supress", "suppress"),
    ("teh", "the"),
    ("thier", "their"),
    ("threshhold", "threshold"),
    ("tranform", "transform"),
    ("transfered", "transferred"),
    ("unecessary", "unnecessary"),
    ("untill", "until"),
    ("wich", "which"),
    ("writen", "written"),
    ("标示", "标识"),
    ("帐本", "账本"),
    ("帐户", "账户"),
    ("登陆", "登录"),
];

/// Files that hold wrong words on purpose: this list, and lexicons, which are data.
const EXCEPTIONS: &[&str] = &["xtask/src/typos.rs", "policy/lexicons", "policy/tests", "models", "testkit/goldens", "recipes"];

pub fn faults(root: &Path) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for file in repository::files(root, &["rs", "md", "toml", "yml", "py"])? {
        if EXCEPTIONS.iter().any(|exception| file.starts_with(exception)) {
            continue;
        }
        let text = fs::read_to_string(root.join(&file))?.to_lowercase();
        for (number, line) in text.lines().enumerate() {
            for (wrong, right) in found(line) {
                faults.push(format!("typos: {}:{}: {wrong} is spelled {right}", file.display(), number + 1));
            }
        }
    }
    Ok(faults)
}

fn found(line: &str) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let is_word = |wrong: &str| {
        let ascii = wrong.is_ascii();
        line.match_indices(wrong).any(|(start, _)| {
            let (before, after) = (line.get(..start).unwrap_or_default(), line.get(start + wrong.len()..).unwrap_or_default());
            let letter = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphabetic());
            !ascii || !(letter(before.chars().next_back()) || letter(after.chars().next()))
        })
    };
    TYPOS.iter().filter(move |(wrong, _)| is_word(wrong))
}

#[cfg(test)]
mod tests {
    use super::found;

    #[test]
    fn whole_words_only() {
        let words = |line: &str| found(line).map(|(_, right)| *right).collect::<Vec<_>>();
        assert_eq!(words("we recieve it"), ["receive"]);
        assert_eq!(words("snake_lenght_case"), ["length"]);
        assert!(words("alotted wichita").is_empty());
        assert_eq!(words("写入帐本。"), ["账本"]);
    }
}
