//! Characters written as their parts (木仓 for 枪).
use super::{Gap, Normalised};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// A character and its parts in writing order. Pairs that are everyday words (女子, 日月, 人为) are left out.
const PARTS: &str = "
枪木仓 抢扌仓 轮车仑 功工力 独犭虫 药艹约 弹弓单 炸火乍 死歹匕 奸女干 妓女支 娼女昌 嫖女票 赌贝者 博十尃 骗马扁 诈讠乍 钞钅少 假亻叚 证讠正 伪亻为
护扌户 裸衤果 体亻本 奶女乃 胸月匈 性忄生 情忄青 射身寸 吸口及 贩贝反 冰冫水 海氵每 洛氵各 麻广林 摇扌䍃 换扌奂 脸月佥 脱月兑 删册刂 除阝余
掉扌卓 隐阝急 识讠只 标木示 烧火尧 撕扌斯 焚林火 践足戋 踏足沓 侮亻每 辱辰寸 英艹央 烈列灬 诋讠氐 恶亚心 搞扌高 割害刂 腕月宛 残歹戋 跳足兆 楼木娄
吊口巾 猫犭苗 狗犭句 酷酉告 刑开刂 斩车斤 肢月支 解角刀牛 碎石卒 恐巩心 怖忄布 袭龙衣 圣又土 战占戈 宣宀亘 传亻专 招扌召 裂列衣 国囗玉 湾氵弯 港氵巷
推扌隹 翻番羽 政正攵 权木又 歧止支 视礻见 种禾中 洗氵先 绝纟色 钓钅勺 站立占 章立早 购贝勾 贿贝有 赂贝各 劫去力 绑纟邦 架加木 拐扌另 幼幺力 童立里
妹女未 姐女且 婊女表 阴阝月 精米青 液氵夜 粪米共 屎尸米 尿尸水 屁尸比 逼辶畐 妈女马 娘女良 奴女又 法氵去 洋氵羊 治氵台 浴氵谷 淫氵㸒 泄氵世 淘氵匋
吃口乞 喝口曷 唱口昌 剂齐刂 刺朿刂 剁朵刂 剖咅刂 煽火扇 炮火包 爆火暴 烟火因 灯火丁 粉米分 粮米良 糖米唐 秽禾岁 私禾厶 秘禾必
针钅十 银钅艮 铁钅失 钱钅戋 铅钅㕣 销钅肖 错钅昔 诱讠秀 谣讠䍃 诽讠非 谤讠旁 语讠吾 论讠仑 说讠兑 讨讠寸 诅讠且 咒口口几 鸡又鸟 鸭甲鸟 鹅我鸟
吻口勿 肉冂仌 肛月工 肚月土 肾臤月 脑月㐫 胎月台 腿月退 脚月却 胁月办 杠木工 棍木昆 棒木奉 械木戒 柜木巨 刎勿刂 刮舌刂 剃弟刂 拍扌白 摸扌莫 抽扌由 操扌喿
插扌臿 拔扌犮 扒扌八 打扌丁 抓扌爪 捅扌甬 揍扌奏 撸扌鲁 慰尉心 恋亦心 怒奴心 恨忄艮 仇亻九 偷亻俞 佛亻弗 仿亻方 伦亻仑 偶亻禺
";

/// Radicals that people type as the character they stand for.
const SPELLED_OUT: &[(char, char)] =
    &[('讠', '言'), ('钅', '金'), ('犭', '犬'), ('扌', '才'), ('礻', '示'), ('衤', '衣'), ('纟', '丝'), ('氵', '水')];

/// Most parts in the table.
const MOST_PARTS: usize = 3;

struct Table {
    whole_of: HashMap<String, char>,
    /// First parts in order: most characters are none, and are not worth a look into the map.
    firsts: Vec<char>,
    wholes: HashSet<char>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { whole_of: HashMap::new(), firsts: Vec::new(), wholes: HashSet::new() };
    for entry in PARTS.split_whitespace() {
        let mut characters = entry.chars();
        let Some(whole) = characters.next() else { continue };
        let parts: String = characters.collect();
        if parts.chars().count() < 2 || parts.contains(whole) {
            continue;
        }
        for &(radical, character) in SPELLED_OUT {
            if parts.starts_with(radical) {
                table.whole_of.insert(parts.replacen(radical, &character.to_string(), 1), whole);
            }
        }
        table.whole_of.insert(parts, whole);
        table.wholes.insert(whole);
    }
    table.firsts = table.whole_of.keys().filter_map(|parts| parts.chars().next()).collect();
    table.firsts.sort_unstable();
    table.firsts.dedup();
    table
});

/// Whether a term could be hidden by splitting one of its characters.
pub(crate) fn has_splittable(term: &Normalised) -> bool {
    term.units.iter().any(|unit| TABLE.wholes.contains(&unit.character))
}

/// Puts split characters together; nothing when the text has none.
pub(crate) fn split(plain: &Normalised) -> Option<Normalised> {
    let mut read: Option<Normalised> = None;
    let mut index = 0;
    while let Some(unit) = plain.units.get(index) {
        let Some((whole, length, end)) = whole_at(plain, index) else {
            if let Some(read) = &mut read {
                read.push(unit.character, unit.source, unit.gap, false);
            }
            index += 1;
            continue;
        };
        let read = read.get_or_insert_with(|| {
            let mut before = Normalised::with_capacity(plain.text.len());
            for unit in plain.units.iter().take(index) {
                before.push(unit.character, unit.source, unit.gap, false);
            }
            before
        });
        read.push(whole, (unit.source.0, end), unit.gap, true);
        index += length;
    }
    read
}

/// The character whose parts stand at `index`, the number of parts, and where they end in the user's text.
fn whole_at(plain: &Normalised, index: usize) -> Option<(char, usize, usize)> {
    let first = plain.units.get(index)?;
    if first.character.is_ascii() || TABLE.firsts.binary_search(&first.character).is_err() {
        return None;
    }
    (2..=MOST_PARTS).rev().find_map(|length| {
        let parts = plain.units.get(index..index + length)?;
        if parts.iter().skip(1).any(|part| part.gap == Gap::Clause) {
            return None;
        }
        let last = parts.last()?;
        let written = plain.text.get(first.offset..last.offset + last.character.len_utf8())?;
        Some((*TABLE.whole_of.get(written)?, length, last.source.1))
    })
}

#[cfg(test)]
mod tests {
    use super::{TABLE, split};
    use crate::normalise::Normalised;

    #[test]
    fn parts_become_the_character_and_keep_their_place() {
        let written = "自制木 仓图";
        let read = split(&Normalised::new(written)).unwrap();
        assert_eq!(read.text, "自制枪图");
        let unit = read.units[2];
        assert_eq!((&written[unit.source.0..unit.source.1], unit.altered), ("木 仓", true));
        assert_eq!(split(&Normalised::new("言仑")).unwrap().text, "论");
        assert!(split(&Normalised::new("木头、仓库")).is_none());
        assert!(TABLE.whole_of.len() > 150);
    }
}
