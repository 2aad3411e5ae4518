"""The page of `report` with interactive parts and one made-up answer to each question below which they stand."""
from experiments.report.page import Finding, page


def paged(parts):
    """The page as HTML."""
    names = dict.fromkeys(part.question for part in parts if part.question)
    findings = [Finding(name, f"Is {name} asked?", ("1 s", "2 s", "3 s"), f"{name}.py", answer="It is.") for name in names]
    return page(findings, [], parts, version="0")
