use clap::Args;
use spec::{FileFormat, KindOfWork, RunPrecision, Speed, UnknownFormat};
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Examples / 示例:
  danqing generate \"白色背景上的小狗\"
  danqing generate \"两只小狗，蓝色背景\" --count 4 --seed 7 --format webp
  danqing generate \"…\" --model ./ERNIE-Image-Turbo --width 512 --height 512
  danqing generate @prompt.txt --out cat.png       a prompt from a file; - reads standard input / 从文件或标准输入读取提示词

Pictures go to ./danqing-out unless --out says otherwise; the ledger lies beside them.
图片默认写入 ./danqing-out，账本与图片放在同一文件夹。
Ctrl-C stops, after pictures that are mostly done; a second Ctrl-C stops at once. What is finished is kept.
按 Ctrl-C 停止，已完成过半的图片会先完成；再按一次立即停止。已完成的图片会保留。")]
pub struct Options {
    /// What to generate, in Chinese or English; @FILE reads a file, - standard input / 提示词；@文件 从文件读取，- 从标准输入读取
    pub prompt: std::ffi::OsString,
    /// Folder in diffusers layout, or the name of an embedded model / 模型文件夹或内置模型名
    #[arg(long, default_value = installation::DEFAULT_MODEL, value_name = "DIR|NAME")]
    pub model: String,
    /// What to keep away from / 反向提示词
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
    pub negative_prompt: String,
    /// Pixels; default from the model / 宽
    #[arg(long, value_name = "W")]
    pub width: Option<u32>,
    /// Pixels; default from the model / 高
    #[arg(long, value_name = "H")]
    pub height: Option<u32>,
    /// Denoising steps; default from the model / 步数
    #[arg(long, visible_alias = "num-inference-steps", value_name = "N")]
    pub steps: Option<u32>,
    /// Classifier-free guidance, 1 turns it off; default from the model / 引导强度
    #[arg(long, value_name = "G")]
    pub guidance_scale: Option<f32>,
    /// Seed of the first picture, the next takes the next; random when left out / 随机种子
    #[arg(long, value_name = "S", value_parser = seed, allow_hyphen_values = true)]
    pub seed: Option<u64>,
    /// Number of pictures / 张数
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub count: u32,
    /// Precision of products, f32, bf16 or int8: int8 is fastest and least exact / 计算精度：int8 最快，误差也最大
    #[arg(long, default_value_t = RunPrecision::Bf16, value_name = "f32|bf16|int8")]
    pub dtype: RunPrecision,
    /// exact, balanced or fast: the latter two skip work and change the picture somewhat / 速度：balanced、fast 会省去部分计算
    #[arg(long, default_value_t = Speed::Exact, value_name = "exact|balanced|fast")]
    pub speed: Speed,
    /// Noise levels, 0 to 1, at which guidance is applied, e.g. 0.1,0.9; cheaper than everywhere / 施加引导的噪声区间
    #[arg(long, value_name = "LOW,HIGH", value_parser = interval)]
    pub guidance_interval: Option<[f32; 2]>,
    /// File format: png, jpeg or webp; default from --out's ending, else png / 图片格式
    #[arg(long, value_name = "FORMAT", value_parser = picture_format)]
    pub format: Option<FileFormat>,
    /// File (one picture) or folder; default ./danqing-out / 输出文件或文件夹
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// Replace an existing file at --out / 覆盖已有文件
    #[arg(long)]
    pub force: bool,
    /// Who asks; three requests refused or withheld in a row, or five in a day, suspend the account / 账户，默认为系统用户名
    #[arg(long, env = "DANQING_ACCOUNT", value_name = "NAME")]
    pub account: Option<String>,
    /// Let the model's prompt enhancer, where it has one, rewrite the prompt first / 先用模型自带的提示词增强改写
    #[arg(long)]
    pub enhance_prompt: bool,
    /// One JSON object per picture on standard output / 以 JSON 输出
    #[arg(long)]
    pub json: bool,
}

/// `LOW,HIGH`.
fn interval(text: &str) -> Result<[f32; 2], String> {
    let numbers: Option<Vec<f32>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some([low, high]) if (0.0..=1.0).contains(low) && (0.0..=1.0).contains(high) && low <= high => Ok([*low, *high]),
        _ => Err("two numbers between 0 and 1, the lower first, such as 0.1,0.9 / 应为 0 到 1 之间的两个数，如 0.1,0.9".into()),
    }
}

/// A seed, of 64 bits.
fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| {
        "a seed is a whole number from 0 to 18446744073709551615; leave --seed out for a random one / 种子应为 0 到 18446744073709551615 的整数；省略 --seed 则随机".into()
    })
}

/// A format that pictures are written in.
pub fn picture_format(name: &str) -> Result<FileFormat, UnknownFormat> {
    KindOfWork::Picture.format(name)
}
