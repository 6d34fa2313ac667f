use spec::{Artifact, KindOfWork, Screening};

/// Who says of the artifacts of one kind of work whether they may leave. Shareable between threads.
pub trait Examiner: Send + Sync {
    /// The kind of work that it knows.
    fn kind(&self) -> KindOfWork;

    /// Looks at an artifact of its kind. What it finds, what failed, or the rule that stands in for an examination is in the screening.
    fn examine(&self, artifact: &Artifact) -> Screening;

    /// Names of the classifiers that it asks; none where a stated rule takes their place.
    fn classifiers(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// A rule in the place of an examiner: artifacts of the kind pass, and every screening names the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatedRule {
    /// The kind of work that it holds for.
    pub kind: KindOfWork,
    /// Its name with its version, as records have it.
    pub id: &'static str,
    /// What it says.
    pub english: &'static str,
    /// What it says, in Chinese.
    pub chinese: &'static str,
}

/// Density fields of topology optimisation have no examiner by nature.
pub const DESIGNS_BY_RULE: StatedRule = StatedRule {
    kind: KindOfWork::Design,
    id: "design-v1",
    english: "a density field follows from loads and supports alone; there is nothing to see in it that a classifier knows, and the gate \
              reads every text of the problem",
    chinese: "密度场完全由载荷与支承决定，其中没有图片分类器可识别的内容；问题文件中的全部文字已由安全闸检查",
};

/// The operator switched the examination of pictures off.
pub const PICTURES_SWITCHED_OFF: StatedRule = StatedRule {
    kind: KindOfWork::Picture,
    id: "pictures-off-v1",
    english: "the operator switched the examination of pictures off in the configuration",
    chinese: "运营者在配置中关闭了图片审核",
};

impl StatedRule {
    /// The rules that records may name.
    pub const ALL: [Self; 2] = [DESIGNS_BY_RULE, PICTURES_SWITCHED_OFF];

    /// The rule of that id.
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.id == id)
    }
}

impl Examiner for StatedRule {
    fn kind(&self) -> KindOfWork {
        self.kind
    }

    fn examine(&self, _: &Artifact) -> Screening {
        Screening::by_rule(self.id)
    }
}
