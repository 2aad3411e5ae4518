"""The page of `report` with interactive parts and one made-up answer to each question below which they stand; to wait."""
from experiments.report.page import Finding, page


def paged(parts):
    """The page as HTML."""
    names = dict.fromkeys(part.question for part in parts if part.question)
    findings = [Finding(name, f"Is {name} asked?", ("1 s", "2 s", "3 s"), f"{name}.py", answer="It is.") for name in names]
    return page(findings, [], parts, version="0")


def until(page, expression, tries=100):
    """Wait until an expression of the page is true; Playwright's own way would need what the page's policy forbids."""
    for _ in range(tries):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")
