use clap::{Args, Parser, Subcommand};
use spec::{FileFormat, RunPrecision, Speed};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Danqing 丹青 — generate pictures that carry their labels and their record.
///
/// 丹青：生成图片，自带标识与可核验的记录。
#[derive(Parser)]
#[command(name = "danqing", version, after_help = "Example / 示例:\n  danqing generate \"一只小猫\"\n  danqing verify danqing-out/*.png")]
pub struct Arguments {
    /// No notes and warnings; errors and refusals are told all the same / 不显示提示与警告，错误与拒绝仍会显示
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Worker threads; by default the cores that this process may use / 线程数
    #[arg(long, global = true, env = "DANQING_THREADS", value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Configuration file (TOML): provider code, lexicons / 配置文件
    #[arg(long, global = true, env = "DANQING_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder that packed weights are kept in, or off; see `danqing model packed --help` / 打包权重的缓存文件夹，off 为不缓存
    #[arg(long, global = true, env = "DANQING_PACKED_WEIGHTS", value_name = "DIR|off")]
    pub packed_weights: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Draw pictures from a prompt; each is labelled and entered in the ledger / 按提示词生成图片
    Generate(crate::commands::generate::Options),
    /// Train a model from a recipe / 按配方训练模型
    Train(TrainOptions),
    /// Write a configuration and its keys, once / 初始化：一次性写入配置与密钥
    Init(crate::commands::init::InitOptions),
    /// Say what a file's labels say, and whether the ledger knows it / 核验文件的标识与记录
    Verify(crate::commands::verify::VerifyOptions),
    /// Pass a file on: keep its implicit label and add the propagator's fields / 传播文件：保留隐式标识并添加传播字段
    Label(LabelOptions),
    /// Resize a picture or change its format, with both labels / 转换图片尺寸或格式，保留两种标识
    Convert(ConvertOptions),
    /// Verify, sign, prove and export the ledger / 账本
    Ledger {
        #[command(subcommand)]
        command: crate::commands::ledger::LedgerCommand,
    },
    /// Look into, check and measure models / 模型
    Model {
        #[command(subcommand)]
        command: ModelCommand,
    },
    /// Register, sample and check sources of training data; write the data manifest / 训练数据登记
    Data {
        #[command(subcommand)]
        command: crate::commands::data::DataCommand,
    },
    /// Make and check filing documents from the records / 备案材料
    Filing {
        #[command(subcommand)]
        command: crate::commands::filing::FilingCommand,
    },
    /// Apply for, approve and make copies without explicit label / 不含显式标识的副本（标识办法第九条）
    Article9 {
        #[command(subcommand)]
        command: crate::commands::article9::Article9Command,
    },
    /// Engineering designs: topology optimisation / 工程设计：拓扑优化
    Design {
        #[command(subcommand)]
        command: crate::commands::design::DesignCommand,
    },
    /// Check texts; keep, sign and measure lexicons; stop generation; accounts / 内容安全策略、停用开关与账户
    Policy {
        #[command(subcommand)]
        command: crate::commands::policy::PolicyCommand,
    },
    /// Measure this machine: kernels, and one picture end to end / 本机性能测试
    Bench(BenchOptions),
    /// Print completions for a shell / 打印命令补全脚本
    Completions(CompletionsOptions),
    /// Write the man pages, one for each command / 写出手册页
    Man(ManOptions),
}

#[derive(Args)]
#[command(after_help = "Example / 示例:
  danqing completions bash > ~/.local/share/bash-completion/completions/danqing
  danqing completions zsh > \"${fpath[1]}/_danqing\"")]
pub struct CompletionsOptions {
    /// The shell / 命令解释器
    pub shell: clap_complete::Shell,
}

#[derive(Args)]
#[command(after_help = "Example / 示例:\n  danqing man ~/.local/share/man/man1")]
pub struct ManOptions {
    /// Folder to write to; it is made where there is none / 输出文件夹
    pub folder: PathBuf,
}

/// Stages of a training run.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum LastStage {
    /// Pictures ↔ latents
    Autoencoder,
    /// Encode the samples once
    Latents,
    /// Text and noise → latents
    Denoiser,
}

#[derive(Args)]
#[command(after_help = "Example / 示例:
  mkdir packages && cd packages && npm pack @lobehub/fluent-emoji-3d@1.1.0 emojibase-data@17.0.0 && cd ..
  danqing train recipes/xiaopin.recipe.toml --data packages --output runs/xiaopin

Ctrl-C writes a checkpoint; --resume goes on from it. The trained model is in OUTPUT/model, in diffusers layout.
Ctrl-C 会保存检查点，用 --resume 继续；训练好的模型在 OUTPUT/model。")]
pub struct TrainOptions {
    /// The recipe (TOML) / 训练配方
    pub recipe: PathBuf,
    /// Folder that holds the data packages (.tgz) / 数据包文件夹
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Folder for checkpoints, logs, sample sheets and the exported model / 输出文件夹
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
    /// Go on from the checkpoints in --output / 从检查点继续
    #[arg(long)]
    pub resume: bool,
    /// Model folder whose weights a new run starts from, where it has them / 初始权重
    #[arg(long, value_name = "DIR")]
    pub initialise: Option<PathBuf>,
    /// The last stage to run / 运行到哪个阶段为止
    #[arg(long, value_enum, default_value_t = LastStage::Denoiser)]
    pub stage: LastStage,
    /// Stop after this many minutes with a checkpoint / 最长训练分钟数
    #[arg(long, value_name = "M")]
    pub max_minutes: Option<f64>,
}

#[derive(Args)]
#[command(after_help = "Examples / 示例:
  danqing label upload.jpg --out shared/upload.jpg
  danqing label upload.mp4 --out shared/upload.mp4 --declared

A file with an implicit label keeps its producer's fields; ContentPropagator (propagator_code of the configuration), PropagateID and,
with label_key, ReservedCode2 are added. A file without one gets Label 2 when its user declares it generated (--declared), Label 3
when an explicit label or other traces were found (--suspected): 标识办法 article 6. Only metadata changes, and --out must end as the file's format does; the notice that the
platform shows beside the file is printed. PNG, JPEG, WebP, TIFF, GIF, SVG, MP4 and GLB. A new C2PA manifest, beside the file where
it cannot be inside (OUT.c2pa), names the file as its parent and keeps its manifest. The ledger beside --out records it, with the account. While generation is stopped (danqing policy stop) nothing is passed on: exit code 20; a suspended account: 21.
已有隐式标识的文件保留制作方字段，添加传播方字段；没有标识的文件按用户声明（--declared）写入 Label 2，
或按检测到的痕迹（--suspected）写入 Label 3（标识办法第六条）。只改动元数据，并给出应在周边显示的提示。
新的 C2PA 清单（无法内嵌时写入 OUT.c2pa）以原文件为父素材，并保留原清单。
服务停用期间不予传播（退出码 20），账户被暂停时退出码为 21。")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct LabelOptions {
    /// The file to pass on / 要传播的文件
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The file to write / 输出文件
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Its user declares it generated / 用户声明为生成合成内容
    #[arg(long, conflicts_with = "suspected")]
    pub declared: bool,
    /// An explicit label or other traces were found / 检测到显式标识或其他生成痕迹
    #[arg(long)]
    pub suspected: bool,
    /// Put the own fields in place of another propagator's; the ledger keeps theirs / 替换其他传播方的字段
    #[arg(long)]
    pub replace_propagator: bool,
    /// Who passes it on, as recorded / 账户，默认为系统用户名
    #[arg(long, env = "DANQING_ACCOUNT", value_name = "NAME")]
    pub account: Option<String>,
    /// Replace an existing file at --out / 覆盖已有文件
    #[arg(long)]
    pub force: bool,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
#[command(after_help = "Examples / 示例:
  danqing convert danqing-out/cat.png --out cat.jpg
  danqing convert danqing-out/cat.png --out small/cat.webp --thumbnail 96

The implicit label goes along unchanged. The explicit label is scaled with the picture, and drawn anew where it would become lower
than 5 % of the shortest side or 12 pixels; a picture too small for it is refused. Pictures that Danqing did not make get it in the
lower left corner. Colour profiles, transparency and 16 bits are kept where the format has a place for them; what is lost, other metadata too, is
said. Moving and CMYK pictures, and damaged ones, are refused. A new C2PA manifest names the picture as its parent and keeps its manifest.
The ledger beside --out records the copy, with the account. While generation is stopped (danqing policy stop) nothing is converted: exit code 20; a suspended account: 21.
隐式标识原样保留；显式标识随图片缩放，过小时重新绘制；放不下标识的尺寸会报错。色彩配置、透明度与 16 位深在格式支持时保留，
未能保留的内容（包括其他元数据）会逐项提示。动图、CMYK 图片与损坏的图片不予转换。
新的 C2PA 清单以原图为父素材，并保留原清单。
服务停用期间不予转换（退出码 20），账户被暂停时退出码为 21。")]
pub struct ConvertOptions {
    /// The picture / 图片
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The file to write / 输出文件
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// png, jpeg or webp; default from --out's ending / 图片格式
    #[arg(long, value_name = "FORMAT", value_parser = crate::commands::generate::picture_format)]
    pub format: Option<FileFormat>,
    /// Largest size that it fits into, its proportions kept / 缩放到不超过该尺寸（保持比例）
    #[arg(long, value_name = "WxH", value_parser = size, conflicts_with = "thumbnail")]
    pub resize: Option<(u32, u32)>,
    /// Longest side in pixels; never enlarges / 缩略图最长边
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8192))]
    pub thumbnail: Option<u32>,
    /// Who converts it, as recorded / 账户，默认为系统用户名
    #[arg(long, env = "DANQING_ACCOUNT", value_name = "NAME")]
    pub account: Option<String>,
    /// Replace an existing file at --out / 覆盖已有文件
    #[arg(long)]
    pub force: bool,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub json: bool,
}

#[derive(Subcommand)]
pub enum ModelCommand {
    /// Compare a picture made here with one made by diffusers; hands out no pixels / 与参考图比对
    Check(CheckOptions),
    /// Components, classes, parameters, bytes, and what is supported / 查看模型
    Inspect(InspectOptions),
    /// Measure the quality bars of the model card on a recipe's concepts / 质量评测
    Evaluate(EvaluateOptions),
    /// Measure which layers bear 8-bit integers, and write a checkpoint that stores them so / 量化为 int8
    Quantize(QuantizeOptions),
    /// List or remove the packed weights that `generate` keeps for its next start / 查看或清除打包权重缓存
    Packed(PackedOptions),
}

#[derive(Args)]
#[command(after_help = "Examples / 示例:
  danqing model packed
  danqing model packed --clear
  danqing generate \"…\" --model ./ERNIE-Image-Turbo --packed-weights off

The first start of a model packs its weights for this program's kernels and writes them to a file for each component; later starts map
the file instead, and processes share one copy in memory. Files are keyed by the model's SHA-256 and the precision, checked to the last
byte when they are opened, and mended when they are damaged. The folder is --packed-weights, the key packed_weights of danqing.toml, or
danqing/packed in $XDG_CACHE_HOME or ~/.cache; the longest unused files leave when there are more than packed_weights_limit GiB (48).
Small models, such as the embedded one, are packed faster than a file is opened: none is kept.
首次启动时打包权重并写入缓存，之后直接映射，多个进程共享同一份内存。缓存以模型 SHA-256 与精度为键，打开时逐字节校验，损坏即重建；超过上限时先删除最久未用的。")]
pub struct PackedOptions {
    /// Remove them all; processes that use one keep it until they end / 全部删除
    #[arg(long)]
    pub clear: bool,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
#[command(after_help = "Examples / 示例:
  danqing model quantize ./ERNIE-Image-Turbo --out ./ERNIE-Image-Turbo-int8 --steps 4 --width 512 --height 512 --no-comparison
  danqing model quantize xiaopin --out ./xiaopin-int8 --max-error 0.01
  danqing generate \"一只小猫\" --model ./xiaopin-int8 --dtype int8

Draws the prompts in bf16 and looks at what enters each linear layer of the transformer, and each convolution of a resnet block of the
autoencoder's decoder. A layer whose output, computed in 8-bit integers, is within --max-error of what f32 gives is stored so; inputs of
linear layers are rotated by a Hadamard matrix where that makes the error smaller by a tenth or more; all else stays as it was. What comes
before and after the repeated layers is never quantised. Linear layers are stored as ComfyUI, stable-diffusion.cpp and SGLang read them
(int8_tensorwise, convrot), convolutions in a layout of Danqing's own: other tools need the original vae folder. With --dtype int8 the new folder runs as it is stored; with bf16 or
f32 its numbers are restored first. Then everything is drawn three times more, to tell PSNR and SSIM; --no-comparison saves that time, and
the memory of the model in f32. The folder appears whole or not at all, and the same command writes the same bytes; Ctrl-C stops between
two steps. Few steps and a small size are enough to see what enters the layers; docs/int8.md says more.
逐层测量 int8 误差：达标的层以 8 位整数存储（必要时先做 Hadamard 旋转），其余保持原精度；线性层的存储布局与 ComfyUI、stable-diffusion.cpp、SGLang 通用，卷积（解码器残差块）为丹青自有布局。")]
pub struct QuantizeOptions {
    /// Folder in diffusers layout, or the name of an embedded model / 模型文件夹
    pub model: String,
    /// The folder to write; must not exist / 输出文件夹（须不存在）
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Prompts to measure with, one a line; by default sixteen built-in ones / 校准提示词文件，每行一条
    #[arg(long, value_name = "FILE")]
    pub prompts: Option<PathBuf>,
    /// Steps of each picture; by default the model's / 步数
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub steps: Option<u32>,
    /// Pixels; default from the model / 宽
    #[arg(long, value_name = "W")]
    pub width: Option<u32>,
    /// Pixels; default from the model / 高
    #[arg(long, value_name = "H")]
    pub height: Option<u32>,
    /// Largest error of the output of a layer that is stored in 8-bit integers, as a share of its size / 每层最大相对误差
    #[arg(long, default_value_t = 0.02, value_name = "E", value_parser = share)]
    pub max_error: f64,
    /// Do not draw the prompts again in f32, int8 and as quantised to compare / 不做量化前后对比
    #[arg(long)]
    pub no_comparison: bool,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct CheckOptions {
    /// Folder in diffusers layout, or the name of an embedded model / 模型文件夹
    pub model: String,
    /// safetensors file with tensor `image` [height, width, 3] and the request as metadata / 参考文件
    #[arg(long, value_name = "FILE")]
    pub reference: PathBuf,
    /// Largest absolute difference that passes; default 0.001 in f32, 0.1 in bf16, 0.2 in int8 / 容差
    #[arg(long, value_name = "T")]
    pub tolerance: Option<f32>,
    /// Precision of products, f32, bf16 or int8: int8 is fastest and least exact / 计算精度：int8 最快，误差也最大
    #[arg(long, default_value_t = RunPrecision::F32, value_name = "f32|bf16|int8")]
    pub dtype: RunPrecision,
    /// exact, balanced or fast: the latter two skip work and change the picture somewhat / 速度
    #[arg(long, default_value_t = Speed::Exact, value_name = "exact|balanced|fast")]
    pub speed: Speed,
}

#[derive(Args)]
pub struct InspectOptions {
    /// Folder in diffusers layout, or the name of an embedded model / 模型文件夹
    #[arg(default_value = installation::DEFAULT_MODEL)]
    pub model: String,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct EvaluateOptions {
    /// Folder in diffusers layout, or the name of an embedded model / 模型文件夹
    #[arg(default_value = installation::DEFAULT_MODEL)]
    pub model: String,
    /// The data recipe whose concepts are asked for / 数据配方
    #[arg(long, default_value = "recipes/xiaopin.data.toml", value_name = "FILE")]
    pub recipe: PathBuf,
    /// Folder that holds the data packages (.tgz) / 数据包文件夹
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Prompts per quality bar / 每项提示词数
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub prompts: usize,
    /// Precision of products, f32, bf16 or int8: int8 is fastest and least exact / 计算精度：int8 最快，误差也最大
    #[arg(long, default_value_t = RunPrecision::Bf16, value_name = "f32|bf16|int8")]
    pub dtype: RunPrecision,
}

#[derive(Args)]
pub struct BenchOptions {
    /// Model for the end-to-end row / 模型
    #[arg(long, default_value = installation::DEFAULT_MODEL, value_name = "DIR|NAME")]
    pub model: String,
    /// Compare exact, balanced, fast, fewer steps and precisions by time and likeness instead / 比较各速度档
    #[arg(long)]
    pub speeds: bool,
    /// Time the words around the model instead: gate, marks, encoding, storing, recording / 测各道合规工序的耗时
    #[arg(long, conflicts_with = "speeds")]
    pub chain: bool,
    /// Precision of the end-to-end row, f32, bf16 or int8 / 端到端一行的计算精度
    #[arg(long, default_value_t = RunPrecision::Bf16, value_name = "f32|bf16|int8")]
    pub dtype: RunPrecision,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub json: bool,
}

/// A share of a whole.
fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.trim().parse().ok();
    share.filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "a number between 0 and 1 / 应为 0 到 1 之间的数".into())
}

/// `WxH`, each from 1 to 8192 pixels.
fn size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once(['x', 'X', '×']).and_then(|(width, height)| width.parse().ok().zip(height.parse().ok()));
    match sides {
        Some((width, height)) if (1..=8192).contains(&width) && (1..=8192).contains(&height) => Ok((width, height)),
        _ => Err("a size such as 512x512, each side from 1 to 8192 / 应为 512x512 这样的尺寸，边长 1 到 8192".into()),
    }
}
