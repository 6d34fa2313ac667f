"""Goldens of `design`: finite elements by numpy and scipy alone, and SIMP over them.

    python testkit/scripts/design_goldens.py

Writes goldens/design/fem.json (problems, random density fields, and what they do: compliances, a few displacements and stresses, a few sensitivities) and
simp.json (a MBB beam optimised here). Stiffness is integrated by three Gauss points an axis and solved by a sparse LU factorisation; nothing
is shared with the Rust side but the definition of the problem. Needs Python 3.11, numpy and scipy.
"""
import itertools
import json
import tomllib
from pathlib import Path

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

POINTS, WEIGHTS = np.polynomial.legendre.leggauss(3)
POINTS, WEIGHTS = (POINTS + 1) / 2, WEIGHTS / 2

FEM = {
    "cantilever": """
title = "cantilever"
size = [12, 7]
volume_fraction = 0.5
supports = [{ at = "left" }]
loads = [{ at = [12, 3], force = [0.3, -1.0] }]
material = { young = 210.0, poisson = 0.3 }
""",
    "two cases": """
title = "two cases"
size = [9, 8]
volume_fraction = 0.5
penalty = 2.5
supports = [{ at = "bottom-left" }, { at = { from = [7, 0], to = [9, 0] }, axes = ["y"] }]
material = { poisson = 0.45 }
[[load_cases]]
name = "down"
weight = 0.7
loads = [{ at = "top", force = [0.0, -2.0] }, { at = "right", force = [0.5, 0.0] }]
[[load_cases]]
name = "sideways"
weight = 0.3
loads = [{ at = { from = [2, 3], to = [5, 6] }, force = [1.0, 0.0] }]
""",
    "solid": """
title = "solid"
size = [5, 4, 3]
volume_fraction = 0.5
supports = [{ at = "left" }]
loads = [{ at = "bottom-right", force = [0.0, -1.0, 0.2] }]
material = { young = 3.0, poisson = 0.2 }
""",
    "solid on points": """
title = "solid on points"
size = [4, 6, 5]
volume_fraction = 0.5
supports = [{ at = "bottom-left-back" }, { at = "bottom-right-back", axes = ["y", "z"] }, { at = "bottom-left-front", axes = ["y"] }]
loads = [{ at = "top", force = [0.1, -1.0, 0.0] }]
""",
    "heat": """
title = "heat"
size = [10, 9]
physics = "heat"
volume_fraction = 0.5
supports = [{ at = { from = [4, 0], to = [6, 0] } }]
loads = [{ at = "all", heat = 1.0 }]
material = { conductivity = 40.0 }
""",
    "heat in a solid": """
title = "heat in a solid"
size = [4, 3, 5]
physics = "heat"
volume_fraction = 0.5
supports = [{ at = "bottom-back" }]
loads = [{ at = "top", heat = 2.0 }]
""",
}

SIMP = """
title = "half of a MBB beam"
size = [60, 20]
volume_fraction = 0.5
filter_radius = 2.4
iterations = 40
tolerance = 1e-6
supports = [{ at = "left", axes = ["x"] }, { at = "bottom-right", axes = ["y"] }]
loads = [{ at = "top-left", force = [0.0, -1.0] }]
"""


class Part:
    """A box of unit elements. Nodes and elements are numbered x first, then y, then z."""

    def __init__(self, text):
        self.problem = problem = tomllib.loads(text)
        self.size = problem["size"]
        self.axes = len(self.size)
        self.heat = problem.get("physics") == "heat"
        self.components = 1 if self.heat else self.axes
        self.nodes = [count + 1 for count in self.size]
        material = problem.get("material", {})
        self.modulus = material.get("conductivity" if self.heat else "young", 1.0)
        self.poisson = material.get("poisson", 0.3)
        self.void = 1e-3 if self.heat else 1e-9
        self.penalty = problem.get("penalty", 3.0)
        self.corners = list(itertools.product([0, 1], repeat=self.axes))
        self.element_matrix = self.integrate()
        self.connect()
        self.cases = problem.get("load_cases") or [{"name": "1", "weight": 1.0, "loads": problem["loads"]}]

    def number(self, node):
        result = 0
        for axis in reversed(range(self.axes)):
            result = result * self.nodes[axis] + node[axis]
        return result

    def place(self, at):
        """From and to along each axis."""
        if isinstance(at, list):
            return [(round(value), round(value)) for value in at]
        if isinstance(at, dict):
            return list(zip(at["from"], at["to"]))
        ranges = [(0, count) for count in self.size]
        for word in at.split("-") if at != "all" else []:
            axis = {"left": 0, "right": 0, "bottom": 1, "top": 1, "back": 2, "front": 2}[word]
            end = self.size[axis] if word in ("right", "top", "front") else 0
            ranges[axis] = (end, end)
        return ranges

    def forces(self, loads):
        result = np.zeros(np.prod(self.nodes) * self.components)
        for load in loads:
            ranges = self.place(load["at"])
            force = [load["heat"]] if self.heat else load["force"]
            for node in itertools.product(*[range(low, high + 1) for low, high in ranges]):
                share = 1.0
                for value, (low, high) in zip(node, ranges):
                    if high > low:
                        share *= (0.5 if value in (low, high) else 1.0) / (high - low)
                for component in range(self.components):
                    result[self.number(node) * self.components + component] += share * force[component]
        return result

    def held(self):
        result = set()
        for support in self.problem["supports"]:
            for node in itertools.product(*[range(low, high + 1) for low, high in self.place(support["at"])]):
                axes = ["xyz".index(axis) for axis in support.get("axes", [])] or range(self.components)
                result |= {self.number(node) * self.components + axis for axis in axes}
        return sorted(result)

    def slopes(self, place):
        """[corner, axis]"""
        result = np.ones((len(self.corners), self.axes))
        for row, corner in enumerate(self.corners):
            for along in range(self.axes):
                for axis in range(self.axes):
                    upper = corner[axis] == 1
                    result[row, along] *= (1 if upper else -1) if axis == along else (place[axis] if upper else 1 - place[axis])
        return result

    def strain(self, place):
        slopes = self.slopes(place)
        if self.heat:
            return slopes.T
        shears = [(0, 1)] if self.axes == 2 else [(0, 1), (1, 2), (2, 0)]
        result = np.zeros((self.axes + len(shears), len(self.corners) * self.axes))
        for corner in range(len(self.corners)):
            for axis in range(self.axes):
                result[axis, corner * self.axes + axis] = slopes[corner, axis]
            for row, (a, b) in enumerate(shears):
                result[self.axes + row, corner * self.axes + a] = slopes[corner, b]
                result[self.axes + row, corner * self.axes + b] = slopes[corner, a]
        return result

    def law(self):
        v = self.poisson
        if self.heat:
            return np.eye(self.axes)
        if self.axes == 2:
            return np.array([[1, v, 0], [v, 1, 0], [0, 0, (1 - v) / 2]]) / (1 - v * v)
        lame, shear = v / (1 + v) / (1 - 2 * v), 1 / 2 / (1 + v)
        result = np.diag([2 * shear] * 3 + [shear] * 3)
        result[:3, :3] += lame
        return result

    def integrate(self):
        result = 0
        for index in itertools.product(range(3), repeat=self.axes):
            strain = self.strain([POINTS[i] for i in index])
            result = result + np.prod([WEIGHTS[i] for i in index]) * strain.T @ self.law() @ strain
        return result

    def connect(self):
        elements = [tuple(reversed(place)) for place in itertools.product(*[range(count) for count in reversed(self.size)])]
        rows = []
        for element in elements:
            nodes = [self.number([a + b for a, b in zip(element, corner)]) for corner in self.corners]
            rows.append([node * self.components + component for node in nodes for component in range(self.components)])
        self.freedoms = np.array(rows)

    def solve(self, densities):
        moduli = self.modulus * (self.void + densities**self.penalty * (1 - self.void))
        count = self.freedoms.shape[1]
        rows = np.repeat(self.freedoms, count, axis=1).ravel()
        columns = np.tile(self.freedoms, (1, count)).ravel()
        values = (moduli[:, None, None] * self.element_matrix[None]).ravel()
        size = int(np.prod(self.nodes)) * self.components
        matrix = scipy.sparse.csc_matrix((values, (rows, columns)), (size, size))
        free = np.setdiff1d(np.arange(size), self.held())
        factor = scipy.sparse.linalg.splu(matrix[free][:, free])
        sensitivities = np.zeros(len(moduli))
        cases = []
        for case in self.cases:
            forces = self.forces(case["loads"])
            displacements = np.zeros(size)
            displacements[free] = factor.solve(forces[free])
            local = displacements[self.freedoms]
            energies = np.einsum("ei,ij,ej->e", local, self.element_matrix, local)
            sensitivities -= case["weight"] * energies * self.modulus * (1 - self.void) * self.penalty * densities ** (self.penalty - 1)
            stresses = moduli[:, None] * (local @ (self.law() @ self.strain([0.5] * self.axes)).T)
            cases.append({"compliance": forces @ displacements, "displacements": displacements, "stresses": self.equivalent(stresses)})
        weighted = sum(case["weight"] * result["compliance"] for case, result in zip(self.cases, cases))
        return weighted, cases, sensitivities

    def equivalent(self, stresses):
        if self.heat:
            return np.linalg.norm(stresses, axis=1)
        if self.axes == 2:
            x, y, xy = stresses.T
            return np.sqrt(x * x - x * y + y * y + 3 * xy * xy)
        x, y, z, xy, yz, zx = stresses.T
        return np.sqrt(((x - y) ** 2 + (y - z) ** 2 + (z - x) ** 2) / 2 + 3 * (xy**2 + yz**2 + zx**2))


def fem():
    random = np.random.default_rng(20240501)
    result = []
    for name, text in FEM.items():
        part = Part(text)
        for kind in ["uniform", "random", "solid and void"]:
            count = int(np.prod(part.size))
            densities = {"uniform": np.full(count, 0.4), "random": random.random(count).round(3)}.get(kind)
            if densities is None:
                # Columns of material from end to end, and holes.
                densities = np.array([1.0 if (index // part.size[0]) % 2 == 0 or random.random() < 0.4 else 0.0 for index in range(count)])
            compliance, cases, sensitivities = part.solve(densities)
            freedoms = part.components
            result.append({
                "name": f"{name}, {kind}",
                "problem": text,
                "densities": densities.tolist(),
                "compliance": compliance,
                "cases": [
                    {
                        "compliance": case["compliance"],
                        "displacements": [[*case["displacements"][node * freedoms : (node + 1) * freedoms], 0.0, 0.0][:3] for node in range(0, int(np.prod(part.nodes)), 17)],
                        "stresses": case["stresses"][::7].tolist(),
                    }
                    for case in cases
                ],
                "sensitivities": sensitivities[::5].tolist(),
            })
    return result


def simp():
    part = Part(SIMP)
    problem, (width, height) = part.problem, part.size
    places = np.array([(index % width, index // width) for index in range(width * height)])
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    weights = np.maximum(0, problem["filter_radius"] - distance)
    densities = np.full(width * height, problem["volume_fraction"])
    history = []
    for _ in range(problem["iterations"]):
        compliance, _, sensitivities = part.solve(densities)
        history.append(compliance)
        filtered = weights @ (densities * sensitivities) / weights.sum(axis=1) / np.maximum(1e-3, densities)
        low, high = 0.0, 1e9
        for _ in range(200):
            middle = (low + high) / 2
            scaled = densities * np.sqrt(-filtered / middle)
            following = np.clip(scaled, np.maximum(1e-3, densities - 0.2), np.minimum(1, densities + 0.2))
            low, high = (middle, high) if following.mean() > problem["volume_fraction"] else (low, middle)
        densities = following
    return {"problem": SIMP, "history": history, "compliance": part.solve(densities)[0], "densities": densities.round(4).tolist()}


def main():
    folder = Path(__file__).parent.parent / "goldens" / "design"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fem.json").write_text(json.dumps(fem()) + "\n")
    (folder / "simp.json").write_text(json.dumps(simp()) + "\n")


if __name__ == "__main__":
    main()
