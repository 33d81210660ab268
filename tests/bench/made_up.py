"""Results that nobody measured."""

from tinyllm.bench.results import add_ratios, summary

MACHINE = {
    "processor": "Abacus 3000",
    "cores": 2,
    "threads": 2,
    "ram_bytes": 24 * 2**30,
    "system": "Linux 6.1 x86_64",
    "python": "3.11.7",
    "numpy": "2.4.6",
}


def entry(seconds, **more):
    return {**summary([{"times": [seconds, 1.2 * seconds], "peak_bytes": 50_000_000}]), **more}


def results(torch=True, compiled=True):
    cases = {
        "micro": {"tinyllm": entry(0.001), "torch_eager": entry(0.002, optimizer="AdamW")},
        "char": {"tinyllm": entry(0.02, threads=2), "torch_eager": entry(0.03)},
        "decode-char": {"tinyllm": entry(0.0004), "torch_eager": entry(0.0006)},
        "import": {"tinyllm": entry(0.4), "torch_eager": entry(1.2)},
        "scaling": {"threads_1": entry(1.5, threads=1), "threads_2": entry(0.75, threads=2)},
    }
    cases["char"]["torch_compile"] = entry(0.025)
    for name, bound in (("micro", 0.0001), ("char", 0.016), ("decode-char", 0.00002)):
        cases[name]["roofline"] = {"seconds": bound, "gflops": 200.0, "bandwidth": 4e10}
    for case in cases.values():
        case.pop("torch_compile" if not compiled else "", None)
        if not torch:
            case.pop("torch_eager", None)
            case.pop("torch_compile", None)
        add_ratios(case)
    peak = {
        "gflops": 200.0,
        "gflops_by": {"tinyllm": 190.0, "numpy": 200.0},
        "bandwidth": 4e10,
        "read_bandwidth": 3e10,
    }
    return {"machine": MACHINE, "peak": peak, "cases": cases, "notes": ["a note"]}
