use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal, http $http:literal, exit $exit:literal, $english:literal, $chinese:literal;)*) => {
        /// Every way a Danqing call can end without its result. `Code` alone maps to the API string, the HTTP status, the
        /// exit code, and a short text in English and Chinese.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Code { $($(#[doc = $doc])* #[serde(rename = $name)] $variant,)* }

        impl Code {
            /// All codes, in the order of the documentation.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];
            /// The API string, stable across releases.
            pub fn name(self) -> &'static str { match self { $(Code::$variant => $name,)* } }
            /// HTTP status.
            pub fn http_status(self) -> u16 { match self { $(Code::$variant => $http,)* } }
            /// Process exit code.
            pub fn exit_code(self) -> u8 { match self { $(Code::$variant => $exit,)* } }
            /// What went wrong, in English.
            pub fn english(self) -> &'static str { match self { $(Code::$variant => $english,)* } }
            /// What went wrong, in Chinese.
            pub fn chinese(self) -> &'static str { match self { $(Code::$variant => $chinese,)* } }
        }
    };
}

codes! {
    /// A parameter is missing, malformed or out of range.
    InvalidRequest = "invalid_request", http 400, exit 2, "The request is not valid", "请求无效";
    /// The policy gate refused the request.
    Refused = "policy_refused", http 400, exit 3, "Refused by the content policy", "内容安全策略拒绝了该请求";
    /// The named model does not exist.
    ModelNotFound = "model_not_found", http 404, exit 4, "The model was not found", "找不到模型";
    /// The model's files are damaged or do not match its architecture.
    ModelInvalid = "model_invalid", http 422, exit 5, "The model's files are not valid", "模型文件无效";
    /// The model uses something this build does not support.
    Unsupported = "unsupported", http 422, exit 6, "Not supported", "暂不支持";
    /// A file or database could not be read or written.
    StorageFailed = "storage_failed", http 507, exit 7, "Reading or writing storage failed", "存储读写失败";
    /// The ledger does not verify.
    LedgerBroken = "ledger_broken", http 500, exit 8, "The ledger does not verify", "账本校验失败";
    /// A label could not be made, or did not read back as written.
    LabelFailed = "label_failed", http 500, exit 9, "The label could not be written", "标识写入失败";
    /// A configuration file or value is wrong.
    ConfigurationInvalid = "configuration_invalid", http 500, exit 10, "The configuration is not valid", "配置无效";
    /// Training data or a recipe is wrong.
    DataInvalid = "data_invalid", http 422, exit 11, "The data or recipe is not valid", "数据或配方无效";
    /// An officer has stopped generation.
    Stopped = "generation_stopped", http 503, exit 20, "Generation is stopped", "生成服务已停用";
    /// The account was suspended for what it kept asking for.
    Suspended = "account_suspended", http 403, exit 21, "The account is suspended", "账户已被暂停使用";
    /// A comparison or verification ran and did not pass.
    CheckFailed = "check_failed", http 200, exit 1, "The check did not pass", "校验未通过";
    /// The user interrupted the work.
    Interrupted = "interrupted", http 499, exit 130, "Interrupted", "已中断";
    /// A defect in Danqing itself.
    Internal = "internal", http 500, exit 70, "Internal error", "内部错误";
}

#[cfg(test)]
mod tests {
    use super::Code;
    use std::collections::HashSet;

    #[test]
    fn names_and_exit_codes_are_distinct() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        let exits: HashSet<_> = Code::ALL.iter().map(|code| code.exit_code()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert_eq!(exits.len(), Code::ALL.len());
        assert!(!exits.contains(&0));
    }
}
