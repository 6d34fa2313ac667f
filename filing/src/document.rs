/// One document of the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Folder inside the bundle; empty for the cover.
    pub folder: &'static str,
    /// File name without ending.
    pub name: &'static str,
    /// Title, in Chinese.
    pub title: String,
    /// Whose document it is and of which day; stands below the title.
    pub subtitle: String,
    /// What it says.
    pub elements: Vec<Element>,
}

/// What documents consist of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    /// A heading, which is numbered 一、二、… in the order of the document.
    Heading(String),
    /// A heading without a number.
    PlainHeading(String),
    /// A paragraph.
    Text(String),
    /// A form: item, content, conclusion where one is asked for, clause and record.
    Form(Vec<Row>),
    /// A table of values, all from one record that the paragraph before it names.
    Table {
        /// Titles of the columns.
        columns: Vec<Column>,
        /// Cells.
        rows: Vec<Vec<String>>,
    },
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What stands in its first row.
    pub title: String,
    /// Its part of the table's width, beside those of the others.
    pub share: usize,
}

/// A line of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What is asked for.
    pub item: String,
    /// What it is answered with.
    pub content: Content,
    /// What people concluded from it, where the form asks for that.
    pub conclusion: Option<Content>,
    /// The clause that asks for it.
    pub clause: String,
}

/// An answer, or the lack of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A value.
    Filled {
        /// The value.
        text: String,
        /// The record that it was read from, in words.
        record: String,
        /// Its key in the subject file, for those who keep that file.
        key: Option<String>,
        /// What a reader must know before relying on it.
        marks: Vec<Mark>,
    },
    /// Nobody supplied it.
    Gap {
        /// Stable name, for scripts.
        id: String,
        /// Where to supply it: a key of the subject file, or a command.
        supply: String,
    },
}

/// What a reader must know before relying on a value. It stands before the value wherever that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Measured with a bank of questions that is only a draft.
    Draft,
    /// Older than the standard allows, or than what it speaks of.
    Stale,
    /// A number of the standard is missed.
    Missed,
    /// A conclusion that nothing on record supports.
    Unsupported,
    /// Another record says otherwise.
    Contradicted,
}

/// What marks a gap in the text.
pub const GAP: &str = "【待补】";

impl Mark {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Draft, Self::Stale, Self::Missed, Self::Unsupported, Self::Contradicted];

    /// As it stands in documents.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Draft => "【草稿】",
            Self::Stale => "【过期】",
            Self::Missed => "【未达标】",
            Self::Unsupported => "【无记录佐证】",
            Self::Contradicted => "【与记录矛盾】",
        }
    }
}

impl Mark {
    /// What it tells, for the cover.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Draft => "以程序生成的草稿题库测得，不能作为正式结果",
            Self::Stale => "早于标准所许期限，或早于其所述对象",
            Self::Missed => "未达到标准的数值",
            Self::Unsupported => "结论没有记录佐证",
            Self::Contradicted => "与其他记录不符",
        }
    }
}

/// All `marks` as one text.
pub(crate) fn marks_text(marks: &[Mark]) -> String {
    marks.iter().map(|mark| mark.text()).collect()
}

impl Content {
    pub(crate) fn filled(text: impl Into<String>, record: impl Into<String>) -> Self {
        Self::Filled { text: text.into(), record: record.into(), key: None, marks: Vec::new() }
    }

    pub(crate) fn gap(id: &str, supply: impl Into<String>) -> Self {
        Self::Gap { id: id.to_owned(), supply: supply.into() }
    }

    /// The value with `mark` before it; a gap stays a gap.
    pub(crate) fn marked(mut self, mark: Mark) -> Self {
        if let Self::Filled { marks, .. } = &mut self
            && !marks.contains(&mark)
        {
            marks.push(mark);
            marks.sort_unstable();
        }
        self
    }

    /// The value with `mark` before it where `holds`.
    pub(crate) fn marked_if(self, mark: Mark, holds: bool) -> Self {
        if holds { self.marked(mark) } else { self }
    }

    pub(crate) fn marks(&self) -> &[Mark] {
        match self {
            Self::Filled { marks, .. } => marks,
            Self::Gap { .. } => &[],
        }
    }

    /// What stands in a form: marks and value, or that of a gap.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Filled { text, marks, .. } => marks_text(marks) + text,
            Self::Gap { .. } => GAP.to_owned(),
        }
    }
}

impl Row {
    pub(crate) fn new(item: impl Into<String>, content: Content, clause: impl Into<String>) -> Self {
        Self { item: item.into(), content, conclusion: None, clause: clause.into() }
    }

    pub(crate) fn concluded(self, conclusion: Content) -> Self {
        Self { conclusion: Some(conclusion), ..self }
    }

    /// What is asked for and the answer: of the row, and of its conclusion.
    pub fn answers(&self) -> impl Iterator<Item = (String, &Content)> {
        let conclusion = self.conclusion.iter().map(|conclusion| (format!("结论：{}", self.item), conclusion));
        std::iter::once((self.item.clone(), &self.content)).chain(conclusion)
    }

    fn cells(&self, has_conclusions: bool) -> Vec<String> {
        let record = match &self.content {
            Content::Filled { record, .. } => format!("{}\n所据：{record}", self.clause),
            Content::Gap { .. } => self.clause.clone(),
        };
        let conclusion = has_conclusions.then(|| self.conclusion.as_ref().map_or_else(String::new, Content::shown));
        [self.item.clone(), self.content.shown()].into_iter().chain(conclusion).chain([record]).collect()
    }
}

impl Column {
    pub(crate) fn new(title: &str, share: usize) -> Self {
        Self { title: title.to_owned(), share }
    }
}

/// Columns and cells of a form.
pub(crate) fn form_table(rows: &[Row]) -> (Vec<Column>, Vec<Vec<String>>) {
    let has_conclusions = rows.iter().any(|row| row.conclusion.is_some());
    let columns = if has_conclusions {
        vec![Column::new("评估项目", 24), Column::new("记录中的事实", 34), Column::new("结论", 18), Column::new("条款与所据记录", 24)]
    } else {
        vec![Column::new("项目", 23), Column::new("内容", 50), Column::new("条款与所据记录", 27)]
    };
    (columns, rows.iter().map(|row| row.cells(has_conclusions)).collect())
}

/// `一`, `二`, … `九十九`.
pub(crate) fn chinese_number(number: usize) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let digit = |value: usize| DIGITS.get(value % 10).copied().unwrap_or_default();
    match number {
        0..=9 => digit(number).to_owned(),
        10..=19 => format!("十{}", digit(number)),
        _ => format!("{}十{}", digit(number / 10), digit(number)),
    }
}

impl Document {
    pub(crate) fn new(folder: &'static str, name: &'static str, title: impl Into<String>) -> Self {
        Self { folder, name, title: title.into(), subtitle: String::new(), elements: Vec::new() }
    }

    pub(crate) fn subtitle(self, text: impl Into<String>) -> Self {
        Self { subtitle: text.into(), ..self }
    }

    pub(crate) fn heading(self, text: impl Into<String>) -> Self {
        self.with(Element::Heading(text.into()))
    }

    pub(crate) fn plain_heading(self, text: impl Into<String>) -> Self {
        self.with(Element::PlainHeading(text.into()))
    }

    pub(crate) fn text(self, text: impl Into<String>) -> Self {
        self.with(Element::Text(text.into()))
    }

    pub(crate) fn form(self, rows: impl IntoIterator<Item = Row>) -> Self {
        self.with(Element::Form(rows.into_iter().collect()))
    }

    /// A table with these titles and shares of the width.
    pub(crate) fn table(self, columns: &[(&str, usize)], rows: Vec<Vec<String>>) -> Self {
        let columns = columns.iter().map(|(title, share)| Column::new(title, *share)).collect();
        self.with(Element::Table { columns, rows })
    }

    pub(crate) fn with(mut self, element: Element) -> Self {
        self.elements.push(element);
        self
    }

    /// Folder and name, as other documents refer to it.
    pub fn place(&self) -> String {
        if self.folder.is_empty() { self.name.to_owned() } else { format!("{}/{}", self.folder, self.name) }
    }

    /// All lines of its forms.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        let forms = self.elements.iter().filter_map(|element| match element {
            Element::Form(rows) => Some(rows),
            _ => None,
        });
        forms.flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::chinese_number;

    #[test]
    fn headings_are_counted_in_chinese() {
        assert_eq!([1, 9, 10, 11, 20, 21].map(chinese_number), ["一", "九", "十", "十一", "二十", "二十一"]);
    }
}
