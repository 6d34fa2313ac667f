#!/usr/bin/env python3
"""Reads implicit labels with readers that are not Danqing's, and compares.

    python testkit/scripts/crosscheck_labels.py path/to/danqing

Makes a file of each format with other people's writers (Pillow, pillow-heif, PyAV, trimesh), has `danqing label` pass it on, and reads the label back
with exiftool (its namespace in tc260.exiftool.pl) and, out of the XMP that exiftool hands over, with rdflib. Files whose label exiftool wrote, and
AVIF and HEIC files whose XMP Pillow wrote, are read with `danqing verify`. That the media still decode to what they were is checked too. Not part of CI.

Needs exiftool (Debian: libimage-exiftool-perl) and `pip install rdflib pillow pillow-heif av trimesh numpy`.
"""

import io
import json
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import av
import numpy
import pillow_heif
import rdflib
import trimesh
from PIL import Image

CONFIG = Path(__file__).with_name("tc260.exiftool.pl")
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
AIGC = rdflib.URIRef("http://www.tc260.org.cn/ns/AIGC/1.0/AIGC")
LABEL = (
    '{"Label":"1","ContentProducer":"001191110000100006666010001","ProduceID":"0192f0c1-7e2a-7b3c-8d4e-5f60718293a4",'
    '"ReservedCode1":"","ContentPropagator":"","PropagateID":"","ReservedCode2":""}'
)
PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="%s"><rdf:Description rdf:about="" '
    'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/"><TC260:AIGC>%s</TC260:AIGC></rdf:Description></rdf:RDF></x:xmpmeta>' % (RDF, LABEL)
)


def exiftool(*arguments):
    return subprocess.run(["exiftool", "-config", CONFIG, *arguments], check=True, capture_output=True).stdout


def pixels():
    rows = numpy.mgrid[0:96, 0:128].sum(axis=0)
    return numpy.stack([rows, rows[::-1], rows[:, ::-1]], axis=2).astype(numpy.uint8)


def make(folder):
    """A file of each format that Danqing writes."""
    picture = Image.fromarray(pixels())
    for name, options in [
        ("a.png", {}), ("a.jpg", {}), ("lossless.webp", {"lossless": True}), ("lossy.webp", {"quality": 80}), ("a.tiff", {}),
        ("deflated.tiff", {"compression": "tiff_deflate"}), ("a.gif", {}),
    ]:
        picture.save(folder / name, **options)
    frames = [Image.fromarray(numpy.roll(pixels(), 9 * step, axis=1)) for step in range(4)]
    frames[0].save(folder / "animated.gif", save_all=True, append_images=frames[1:], duration=80)
    frames[0].save(folder / "animated.webp", save_all=True, append_images=frames[1:], duration=80)
    picture.save(folder / "exif.jpg", exif=Image.Exif().tobytes() or b"Exif\0\0")
    for name, options in [("film-last.mp4", {}), ("film-first.mp4", {"movflags": "faststart"}), ("clip.mov", {})]:
        with av.open(str(folder / name), "w", options=options) as container:
            stream = container.add_stream("mpeg4", rate=10)
            stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
            for step in range(20):
                frame = av.VideoFrame.from_ndarray(numpy.roll(pixels(), 3 * step, axis=1), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    trimesh.creation.icosphere().export(folder / "sphere.glb")
    (folder / "drawing.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><title>一张图</title><path d="M0 0L9 9"/></svg>')


def content(path):
    """What a file decodes to."""
    if path.suffix == ".glb":
        return numpy.asarray(trimesh.load(path, force="mesh").vertices)
    if path.suffix in (".mp4", ".mov"):
        with av.open(str(path)) as container:
            return numpy.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    if path.suffix == ".svg":
        root = ElementTree.parse(path).getroot()
        return numpy.array([element.tag + str(element.text) for element in root if not element.tag.endswith("metadata")])
    picture = Image.open(path)
    frames = []
    for index in range(getattr(picture, "n_frames", 1)):
        picture.seek(index)
        frames.append(numpy.asarray(picture.convert("RGB")))
    return numpy.stack(frames)


def by_rdflib(packet):
    """The label in an XMP packet, by an RDF parser."""
    root = ElementTree.parse(io.BytesIO(packet)).getroot()
    node = root if root.tag == f"{{{RDF}}}RDF" else root.find(f".//{{{RDF}}}RDF")
    graph = rdflib.Graph().parse(data=ElementTree.tostring(node), format="xml", publicID="file:///picture")
    return [str(value) for value in graph.objects(None, AIGC)]


def independent(path):
    """The labels that others read, by reader."""
    if path.suffix == ".glb":
        data = path.read_bytes()
        scene = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])
        index = scene["asset"]["extensions"]["KHR_xmp_json_ld"]["packet"]
        return {"json": [scene["extensions"]["KHR_xmp_json_ld"]["packets"][index]["TC260:AIGC"]]}
    if path.suffix in (".mp4", ".mov"):
        with av.open(str(path)) as container:
            ffmpeg = [container.metadata["AIGC"]] if "AIGC" in container.metadata else []
        value = json.loads(exiftool("-j", "-G1", "-a", "-u", "-Keys:all", path))[0]
        found = [text for key, text in value.items() if key.lower().endswith(":aigc")]
        return {"ffmpeg": ffmpeg, "exiftool": [text if isinstance(text, str) else json.dumps(text, separators=(",", ":")) for text in found]}
    value = exiftool("-b", "-XMP-TC260:AIGC", path).decode()
    packet = path.read_bytes() if path.suffix == ".svg" else exiftool("-b", "-XMP", path)
    return {"exiftool": [value] if value else [], "rdflib": by_rdflib(packet)}


def main():
    binary = Path(sys.argv[1]).resolve()
    faults = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "danqing.toml").write_text('propagator_code = "001191110000100006666020001"\nlabel_key = "label.key"\n')

        def danqing(*arguments):
            return subprocess.run([binary, *arguments], cwd=folder, capture_output=True)

        def report(path):
            return json.loads(danqing("verify", "--json", path).stdout)["label"]

        source = folder / "source"
        source.mkdir()
        make(source)
        for path in sorted(source.iterdir()):
            out = folder / "out" / path.name
            passed = danqing("label", path, "--out", out, "--declared", "--json")
            if passed.returncode != 0:
                print(f"{path.name}: not written: {passed.stderr.decode()}")
                faults += 1
                continue
            written = json.loads(passed.stdout)["label"]
            found = independent(out)
            same = numpy.array_equal(content(path), content(out))
            good = same and all(labels == [written] for labels in found.values()) and report(out)["verdict"] == "compliant"
            faults += not good
            print(f"{path.name:16} {'agrees' if good else 'DIFFERS'}: {', '.join(found)}; content {'unchanged' if same else 'CHANGED'}")
            if not good:
                print("   ", found, report(out))

        # The other way round: labels that others wrote.
        theirs = folder / "theirs"
        theirs.mkdir()
        for path in (source / name for name in ("a.png", "a.jpg", "lossy.webp", "a.tiff", "a.gif", "drawing.svg")):
            out = theirs / path.name
            if path.suffix == ".svg":
                continue  # exiftool does not write SVG
            exiftool(f"-XMP-TC260:AIGC={LABEL}", "-o", out, path) if path.suffix != ".webp" else Image.open(path).save(out, xmp=PACKET.encode())
        Image.fromarray(pixels()).save(theirs / "a.avif", xmp=PACKET.encode())
        heif = pillow_heif.from_pillow(Image.fromarray(pixels()))
        heif.info["xmp"] = PACKET.encode()
        heif.save(theirs / "a.heic")
        for path in sorted(theirs.iterdir()):
            read = report(path)
            good = read["verdict"] == "compliant" and read["raw"] == [LABEL]
            faults += not good
            print(f"{path.name:16} {'read' if good else 'NOT READ'}: label by {'Pillow' if path.suffix in ('.avif', '.webp', '.heic') else 'exiftool'}")
            if not good:
                print("   ", read)
    print("all readers agree" if faults == 0 else f"{faults} fault(s)")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
