/// Something that only the operator knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Section and name in the subject file.
    pub key: &'static str,
    /// What the form calls it.
    pub chinese: &'static str,
    /// The form or clause that asks for it.
    pub clause: &'static str,
}

macro_rules! fields {
    ($($key:literal $chinese:literal $clause:literal;)*) => {
        /// All fields of the subject file, in the order of the forms. The forms are known from secondary sources.
        pub const FIELDS: &[Field] = &[$(Field { key: $key, chinese: $chinese, clause: $clause },)*];
    };
}

fields! {
    "subject.name" "主体名称" "算法备案·主体信息";
    "subject.uscc" "统一社会信用代码" "算法备案·主体信息";
    "subject.type" "主体类型" "算法备案·主体信息";
    "subject.registered_place" "注册地" "算法备案·主体信息";
    "subject.address" "详细地址" "算法备案·主体信息";
    "subject.website" "网站" "算法备案·主体信息";
    "subject.monthly_active_users" "月活跃用户数" "算法备案·主体信息";
    "subject.certificate_type" "证件类型" "算法备案·主体信息";
    "subject.certificate_file" "证件扫描件" "算法备案·主体信息";
    "subject.certificate_valid_until" "证件有效期" "算法备案·主体信息";
    "subject.legal_representative" "法定代表人姓名" "算法备案·主体信息";
    "subject.legal_representative_id_type" "法定代表人证件类型" "算法备案·主体信息";
    "subject.legal_representative_id" "法定代表人证件号码" "算法备案·主体信息";
    "officer.name" "算法安全责任人姓名" "算法备案·主体信息";
    "officer.position" "算法安全责任人职务" "算法备案·主体信息";
    "officer.id_type" "算法安全责任人证件类型" "算法备案·主体信息";
    "officer.id" "算法安全责任人证件号码" "算法备案·主体信息";
    "officer.mobile" "算法安全责任人手机" "算法备案·主体信息";
    "officer.email" "算法安全责任人邮箱" "算法备案·主体信息";
    "officer.id_file" "算法安全责任人证件扫描件" "算法备案·主体信息";
    "officer.proof_of_work" "算法安全责任人工作证明" "算法备案·主体信息";
    "uploads.commitment" "算法备案承诺书（盖章）" "算法备案·主体信息";
    "uploads.responsibility" "落实算法安全主体责任基本情况（盖章）" "算法备案·主体信息";
    "algorithm.name" "算法名称" "算法备案·算法基础属性信息";
    "algorithm.role" "角色（深度合成服务提供者或技术支持者）" "算法备案·算法基础属性信息";
    "algorithm.online_since" "上线时间" "算法备案·算法基础属性信息";
    "algorithm.application_field" "应用领域" "算法备案·算法基础属性信息";
    "algorithm.filing_number" "算法备案编号" "算法推荐规定 26";
    "algorithm.introduction" "算法简介" "算法备案·算法详细属性信息";
    "algorithm.scenarios" "使用场景" "算法备案·算法详细属性信息";
    "algorithm.purpose" "算法目的意图" "算法推荐规定 16";
    "algorithm.publication" "算法公示情况" "算法推荐规定 16";
    "algorithm.personal_data" "输入与训练数据是否含个人信息、生物特征" "算法备案·算法详细属性信息（待核）";
    "algorithm.social_impact" "社会影响" "算法备案·自评估报告";
    "algorithm.facilities" "软硬件设施及部署位置" "算法备案·自评估报告";
    "algorithm.filing_type" "备案类型（首次、变更、注销）" "算法备案·自评估报告";
    "algorithm.misuse_risks" "风险研判：算法滥用、恶意利用、漏洞" "算法备案·自评估报告 三";
    "algorithm.self_assessment_date" "自评估时间" "算法备案·自评估报告";
    "algorithm.self_assessment_conclusion" "安全评估结论" "算法备案·自评估报告 五";
    "product.name" "关联产品名称" "算法备案·关联产品及功能信息";
    "product.form" "服务形式（网站、App、API…）" "算法备案·关联产品及功能信息";
    "product.access" "访问地址" "算法备案·关联产品及功能信息";
    "product.status" "产品状态" "算法备案·关联产品及功能信息";
    "product.users" "服务对象" "算法备案·关联产品及功能信息";
    "product.real_name" "是否要求实名" "算法备案·关联产品及功能信息";
    "product.prior_permission" "前置许可" "算法备案·关联产品及功能信息";
    "product.function_path" "功能路径" "算法备案·关联产品及功能信息";
    "product.function_name" "功能名称" "算法备案·关联产品及功能信息";
    "product.function_introduction" "功能简介" "算法备案·关联产品及功能信息";
    "product.user_count" "用户数量" "算法备案·自评估报告";
    "product.traffic" "服务访问量" "算法备案·自评估报告 二";
    "organisation.department" "算法安全专职机构设置" "落实主体责任 一";
    "organisation.duties" "职责分工" "落实主体责任 一";
    "organisation.staff" "人员任职要求与规模" "落实主体责任 一";
    "organisation.technical_support" "技术保障" "落实主体责任 一";
    "organisation.self_assessment_rules" "算法安全自评估制度" "落实主体责任 二";
    "organisation.monitoring_rules" "算法安全监测制度" "落实主体责任 二";
    "organisation.incident_rules" "算法安全事件应急处置制度" "落实主体责任 二";
    "organisation.violation_rules" "算法违法违规处置制度" "落实主体责任 二";
    "organisation.ethics_rules" "科技伦理审查等其他制度" "落实主体责任 二；深度合成规定 7";
    "service.contact" "联系人及电话" "上线备案表";
    "service.domain" "是否限定领域" "上线备案表";
    "service.base_model_filed" "是否使用已备案的基础模型（名称、备案号）" "上线备案表；GB/T 45654-2025 模型";
    "service.inference_compute" "推理算力与云服务情况" "上线备案表";
    "service.training_compute" "训练算力" "上线备案表";
    "service.concurrency" "并发能力" "上线备案表";
    "service.annotation_team" "标注团队" "上线备案表；暂行办法 8";
    "service.corpus_disposal" "语料中违法不良信息的处置" "上线备案表（待核）";
    "service.monitoring_staff" "监看人员数量" "上线备案表；GB/T 45654-2025 措施";
    "service.model_filing_number" "生成式人工智能服务备案号或上线编号" "网信办公告（备案公示）";
    "service.agreement_version" "模型服务协议版本" "标识办法 8；暂行办法 9";
    "service.complaint_channel" "投诉举报入口" "暂行办法 15；深度合成规定 12";
    "service.complaint_days" "投诉处理时限" "暂行办法 15；深度合成规定 12";
    "service.privacy_policy" "个人信息处理规则" "暂行办法 9、11";
    "service.training_opt_out" "关闭以输入训练的方式（不多于四次点击）" "GB/T 45654-2025 措施";
    "service.minors" "未成年人保护措施" "暂行办法 10";
    "service.intellectual_property_officer" "知识产权负责人" "GB/T 45654-2025 语料";
    "service.intellectual_property_policy" "知识产权管理策略" "GB/T 45654-2025 语料";
    "service.intellectual_property_notice" "知识产权风险提示（写给使用者）" "GB/T 45654-2025 语料";
    "annotation.rules" "标注规则文件及版本" "暂行办法 8；GB/T 45674-2025";
    "annotation.goal" "标注目标" "GB/T 45674-2025";
    "annotation.format" "数据格式" "GB/T 45674-2025";
    "annotation.method" "标注方法" "GB/T 45674-2025";
    "annotation.quality" "质量指标与抽检" "暂行办法 8；GB/T 45674-2025";
    "annotation.staff_training" "标注人员培训考核" "暂行办法 8";
    "annotation.safety_rules" "安全性标注规则（覆盖 31 类风险）" "GB/T 45674-2025";
    "approval.legal_representative" "法定代表人签字" "安全评估报告";
    "approval.overall" "整体负责人签字" "安全评估报告";
    "approval.intellectual_property" "知识产权负责人签字" "安全评估报告";
    "store.explicit_screenshot" "显式标识位置截图" "标识办法 7；应用商店标识材料";
    "store.metadata_screenshot" "元数据标识截图" "标识办法 7；应用商店标识材料";
    "store.commitment" "标识承诺书（盖章）" "标识办法 7；应用商店标识材料";
    "model.filed_sha256" "拟备案模型的摘要（与程序实算值核对）" "暂行办法 19";
    "model.contact" "模型负责人" "模型卡";
}

/// Keys of `[records]` and what they name.
pub const RECORD_PATHS: &[(&str, &str)] = &[
    ("records.model", "模型文件夹或内置模型名，默认 xiaopin / model folder or name"),
    ("records.model_card", "模型卡（Markdown），默认为模型文件夹中的 MODEL_CARD.md / model card"),
    ("records.ledger", "账本，默认 danqing-out/danqing-ledger.sqlite / ledger"),
    ("records.data_registry", "数据来源登记（danqing data register）/ registry of sources"),
    ("records.data_manifest", "数据清单（danqing data manifest）/ data manifest"),
    ("records.bank", "评估测试题集（JSON Lines）/ question bank"),
    ("records.evaluation", "评测结果（danqing policy evaluate BANK --model … --json）/ saved evaluation"),
];
