"""Our mark beside `blind-watermark` (DWT-DCT-SVD), on the same pictures under the same attacks, with Pillow's codecs.

    cargo build --release -p watermark --example marker
    cargo run --release -p watermark --example robustness -- --sizes 128,256 --count 60 --unmarked 0 --export /tmp/originals PICTURES
    pip install blind-watermark pillow numpy
    python watermark/scripts/baseline.py target/release/examples/marker /tmp/originals [COUNT_PER_SIZE]

blind-watermark carries 48 bits without a check or error correction: it cannot tell whether a picture is marked, and is given the original
size of resized copies, which it needs. Recovery means all 48 bits. It refuses payloads that a size cannot hold.
"""
import io
import math
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy
from PIL import Image

import blind_watermark

blind_watermark.bw_notes.close()
BITS = 48


def recoded(form, **options):
    def attack(picture, _):
        buffer = io.BytesIO()
        picture.save(buffer, form, **options)
        return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")
    return attack


def resized(scale):
    return lambda picture, _: picture.resize([round(side * scale) for side in picture.size], Image.Resampling.BICUBIC)


def cropped(picture, seed):
    width, height = [round(side * math.sqrt(0.8)) for side in picture.size]
    place = random.Random(seed)
    left, top = place.randint(0, picture.width - width), place.randint(0, picture.height - height)
    return picture.crop((left, top, left + width, top + height))


def levels(change):
    return lambda picture, _: Image.fromarray(numpy.clip(numpy.rint(change(numpy.asarray(picture, float))), 0, 255).astype("uint8"))


ATTACKS = {
    "nothing": lambda picture, _: picture,
    "WebP 90": recoded("WEBP", quality=90),
    "WebP 75": recoded("WEBP", quality=75),
    "JPEG 90": recoded("JPEG", quality=90),
    "JPEG 75": recoded("JPEG", quality=75),
    "JPEG 50": recoded("JPEG", quality=50),
    "resize 0.5": resized(0.5),
    "resize 0.75": resized(0.75),
    "resize 2": resized(2),
    "crop 20 % of the area": cropped,
    "brightness +5 %": levels(lambda values: values + 12.75),
    "brightness −5 %": levels(lambda values: values - 12.75),
    "contrast +5 %": levels(lambda values: (values - 127.5) * 1.05 + 127.5),
    "contrast −5 %": levels(lambda values: (values - 127.5) * 0.95 + 127.5),
}


def psnr(a, b):
    return 10 * math.log10(255 ** 2 / max(numpy.mean((numpy.asarray(a, float) - numpy.asarray(b, float)) ** 2), 1e-9))


def theirs(picture, bits):
    mark = blind_watermark.WaterMark(password_img=1, password_wm=1)
    mark.read_img(img=numpy.asarray(picture)[:, :, ::-1].copy())
    mark.read_wm(bits, mode="bit")
    return Image.fromarray(numpy.clip(numpy.rint(mark.embed()), 0, 255).astype("uint8")[:, :, ::-1].copy())


def their_reading(picture, size):
    if picture.size[0] != size and picture.size[0] / size in (0.5, 0.75, 2):
        picture = picture.resize((size, size), Image.Resampling.BICUBIC)
    try:
        found = blind_watermark.WaterMark(password_img=1, password_wm=1).extract(
            embed_img=numpy.asarray(picture)[:, :, ::-1].copy(), wm_shape=BITS, mode="bit")
    except Exception:  # A crop whose blocks are too few is a loss, not an end.
        return None
    return [bool(bit > 0.5) for bit in found]


def main():
    marker, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    most = int(sys.argv[3]) if len(sys.argv) > 3 else 60
    sizes = sorted({int(path.name.split("-")[0]) for path in folder.glob("*-*.png")})
    columns = {}
    for size in sizes:
        paths = sorted(folder.glob(f"{size}-*.png"))[:most]
        with tempfile.TemporaryDirectory() as scratch:
            columns |= measured(marker, paths, size, pathlib.Path(scratch))
    print("| | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for row in ["PSNR mean", "PSNR least", *ATTACKS]:
        print(f"| {row} | " + " | ".join(column[row] for column in columns.values()) + " |")


def measured(marker, paths, size, scratch):
    originals = [Image.open(path).convert("RGB") for path in paths]
    outs = [scratch / f"{index:03}.png" for index in range(len(paths))]
    pairs = [str(path) for pair in zip(paths, outs) for path in pair]
    ids = subprocess.run([marker, "embed", *pairs], check=True, capture_output=True, text=True).stdout.split()
    payloads = [[bool(int(identifier, 16) >> bit & 1) for bit in range(BITS)] for identifier in ids]
    ours = [Image.open(out).convert("RGB") for out in outs]
    others = [theirs(picture, bits) for picture, bits in zip(originals, payloads)]
    columns = {f"ours {size}": {}, f"blind-watermark {size}": {}}
    for column, marked in zip(columns.values(), (ours, others)):
        noises = [psnr(a, b) for a, b in zip(originals, marked)]
        column["PSNR mean"], column["PSNR least"] = f"{numpy.mean(noises):.2f}", f"{min(noises):.2f}"
    for name, attack in ATTACKS.items():
        copies = []
        for index, picture in enumerate(ours):
            copies.append(str(scratch / f"copy-{index:03}.png"))
            attack(picture, index).save(copies[-1])
        found = subprocess.run([marker, "detect", *copies], check=True, capture_output=True, text=True).stdout.split()
        right = sum(a == b for a, b in zip(found, ids))
        columns[f"ours {size}"][name] = f"{100 * right / len(ids):.1f} %"
        right = sum(their_reading(attack(picture, index), size) == bits for index, (picture, bits) in enumerate(zip(others, payloads)))
        columns[f"blind-watermark {size}"][name] = f"{100 * right / len(ids):.1f} %"
    return columns


main()
