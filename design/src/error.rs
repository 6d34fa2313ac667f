//! What can be wrong with a problem.

/// A problem that cannot be solved, and what to change.
#[derive(Debug, Clone, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum ProblemError {
    /// The text is not TOML, or has fields or types that no problem has.
    #[error("the problem file does not read: {message} / 问题文件无法解析：{message}")]
    Syntax {
        /// What the parser found, with line and column.
        message: String,
    },
    /// A field has a value that does not fit.
    #[error("{field}: {english} / {field}：{chinese}")]
    Field {
        /// The field, as it is written in the file.
        field: String,
        /// What is wrong and what to do, in English.
        english: String,
        /// What is wrong and what to do, in Chinese.
        chinese: String,
    },
    /// The supports leave the part free to move as a whole.
    #[error("no support holds the part {english} / 没有支承约束零件{chinese}")]
    Unsupported {
        /// Against which movement, and what to add.
        english: String,
        /// Against which movement, and what to add, in Chinese.
        chinese: String,
    },
    /// The equations were not solved within the iterations allowed.
    #[error(
        "load case {case:?}: the equations are not solved after {iterations} iterations (relative residual {relative_residual:.1e}): check that the loads rest on material that the supports hold / 载荷工况 {case:?}：迭代 {iterations} 次后方程仍未解出（相对残差 {relative_residual:.1e}）：请检查载荷所在材料是否由支承约束"
    )]
    Unsolved {
        /// Name of the load case.
        case: String,
        /// Iterations of the solver.
        iterations: usize,
        /// What is left, relative to the load.
        relative_residual: f64,
    },
    /// A density field does not belong to the problem.
    #[error(
        "the density field has {found} values, the problem {expected} elements; each value lies between 0 and 1 / 密度场有 {found} 个值，而问题有 {expected} 个单元；每个值应在 0 与 1 之间"
    )]
    Densities {
        /// Values given.
        found: usize,
        /// Elements of the problem.
        expected: usize,
    },
}

impl ProblemError {
    pub(crate) fn field(field: impl Into<String>, english: impl Into<String>, chinese: impl Into<String>) -> Self {
        Self::Field { field: field.into(), english: english.into(), chinese: chinese.into() }
    }
}
