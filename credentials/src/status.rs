use serde::{Serialize, Serializer};

/// What a status means for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Something was checked and holds.
    Success,
    /// Something does not hold.
    Failure,
    /// Something could not be checked.
    Doubt,
    /// Worth knowing; changes no verdict.
    Note,
}

macro_rules! statuses {
    ($($weight:ident $variant:ident = $code:literal, $english:literal, $chinese:literal;)*) => {
        /// One thing that [`crate::verify`] has to say. The names are C2PA's own (§15 of the specification); those that start
        /// with `danqing.` are ours.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum StatusCode { $(#[doc = $english] $variant,)* }

        impl StatusCode {
            /// All of them.
            pub const ALL: &[StatusCode] = &[$(StatusCode::$variant,)*];
            /// Stable name.
            pub fn name(self) -> &'static str { match self { $(StatusCode::$variant => $code,)* } }
            /// What it means for the verdict.
            pub fn weight(self) -> Weight { match self { $(StatusCode::$variant => Weight::$weight,)* } }
            /// In English.
            pub fn english(self) -> &'static str { match self { $(StatusCode::$variant => $english,)* } }
            /// In Chinese.
            pub fn chinese(self) -> &'static str { match self { $(StatusCode::$variant => $chinese,)* } }
        }
    };
}

statuses! {
    Success ClaimSignatureValid = "claimSignature.validated", "the signature belongs to the claim", "签名与声明相符";
    Success AssertionMatches = "assertion.hashedURI.match", "an assertion is as the claim says", "断言与声明中的摘要相符";
    Success DataHashMatches = "assertion.dataHash.match", "the file is the one that was signed", "文件与签署时一致";
    Success IngredientMatches = "ingredient.manifest.validated", "an ingredient's manifest is as it was taken in", "素材的清单与引用时一致";
    Success CredentialTrusted = "signingCredential.trusted", "the signer's certificate leads to a configured anchor", "签名证书可追溯到已配置的信任锚";
    Note CredentialUntrusted = "signingCredential.untrusted", "nobody configured here vouches for the signer's certificate", "签名证书不在已配置的信任范围内";
    Note TimeUnstamped = "danqing.noTimeStamp", "no time-stamping authority vouches for the time of signing", "签名时间没有可信时间戳佐证";
    Note TimeStampUnchecked = "danqing.timeStampUnchecked", "there is a time stamp, which is not checked here", "含可信时间戳，但此处不校验";
    Note ExclusionsMore = "assertion.dataHash.additionalExclusionsPresent", "the signer left more of the file unsigned than the manifest itself", "签署者在清单之外还排除了部分文件内容";
    Note IngredientUnknown = "ingredient.unknownProvenance", "an ingredient came without a manifest", "有素材不含清单";
    Note IngredientWasInvalid = "danqing.ingredientWasInvalid", "an ingredient's own manifest did not hold when it was taken in, as the signer says", "据签署者记录，素材自带的清单在引用时未通过校验";
    Doubt IngredientUnsound = "danqing.ingredientUnsound", "an ingredient's own manifest does not hold, and the signer does not say so", "素材自带的清单未通过校验，而签署者未予说明";
    Failure ManifestMalformed = "danqing.manifestMalformed", "the manifest store is not well-formed, or more complex than is read", "清单结构不合法，或过于复杂";
    Failure ManifestDamaged = "danqing.containerDamaged", "the file is damaged where the manifest stands", "文件中清单所在部分已损坏";
    Failure ManifestSeveral = "danqing.manifestSeveral", "the file holds more than one manifest store", "文件含有多个清单库";
    Failure ClaimMissing = "claim.missing", "there is no claim", "缺少声明";
    Failure ClaimSeveral = "claim.multiple", "there is more than one claim", "有多个声明";
    Failure ClaimMalformed = "claim.malformed", "the claim is not one of C2PA's", "声明不符合 C2PA 格式";
    Failure ClaimSignatureMissing = "claimSignature.missing", "there is no signature", "缺少签名";
    Failure ClaimSignatureWrong = "claimSignature.mismatch", "the signature does not belong to the claim", "签名与声明不符";
    Failure CredentialInvalid = "signingCredential.invalid", "the signer's certificate may not sign manifests", "签名证书不符合 C2PA 证书规范";
    Failure CredentialExpired = "signingCredential.expired", "the signer's certificate is not valid at this time", "签名证书已过期或尚未生效";
    Failure AssertionMissing = "assertion.missing", "an assertion that the claim names is missing", "缺少声明所列的断言";
    Failure AssertionChanged = "assertion.hashedURI.mismatch", "an assertion is not as the claim says", "断言与声明中的摘要不符";
    Failure AssertionUndeclared = "assertion.undeclared", "there is an assertion that the claim does not name", "存在声明未列出的断言";
    Failure AssertionOutside = "assertion.outsideManifest", "the claim names an assertion outside its manifest", "声明引用了清单之外的断言";
    Failure AssertionMalformed = "assertion.cbor.invalid", "an assertion cannot be read", "断言无法解析";
    Failure ActionMalformed = "assertion.action.malformed", "the actions do not start with the creation or opening of the asset", "操作记录未以创建或打开开头";
    Failure BindingMissing = "claim.hardBindings.missing", "nothing binds the claim to the file", "声明未绑定文件内容";
    Failure BindingSeveral = "assertion.multipleHardBindings", "more than one assertion binds the claim to the file", "存在多个内容绑定断言";
    Failure DataHashMalformed = "assertion.dataHash.malformed", "the assertion that binds the claim to the file makes no sense", "内容绑定断言不合法";
    Failure DataHashWrong = "assertion.dataHash.mismatch", "the file was changed after it was signed", "文件在签署后被改动";
    Failure IngredientChanged = "ingredient.manifest.mismatch", "an ingredient's manifest is not as it was taken in", "素材的清单与引用时不一致";
    Failure IngredientMissing = "ingredient.manifest.missing", "an ingredient's manifest is missing", "缺少素材的清单";
    Doubt AlgorithmUnsupported = "algorithm.unsupported", "an algorithm is used that is not checked here", "使用了此处不支持校验的算法";
    Doubt BindingUnsupported = "danqing.bindingUnsupported", "the claim is bound to the file in a way that is not checked here", "使用了此处不支持校验的内容绑定方式";
    Doubt UpdateUnsupported = "danqing.updateUnsupported", "the active manifest is of a kind that is not checked here", "活动清单属于此处不支持校验的类型";
    Doubt FileCutShort = "danqing.fileCutShort", "the file is damaged or cut short", "文件损坏或不完整";
}

impl Serialize for StatusCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::StatusCode;

    #[test]
    fn names_are_distinct() {
        let names: std::collections::HashSet<_> = StatusCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), StatusCode::ALL.len());
    }
}
