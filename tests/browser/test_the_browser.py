"""The fixtures themselves: they see what goes wrong in a page."""
import pytest

BAD = "data:text/html,<title>t</title><script>console.error('said'); nothing.here</script><img src='http://127.0.0.1:9/x'>"


def test_faults_are_seen(open_page):
    page = open_page(BAD)
    page.wait_for_timeout(300)
    assert any("said" in fault for fault in page.faults) and any("nothing" in fault for fault in page.faults)
    assert any("127.0.0.1:9" in fault for fault in page.faults)
    page.faults.clear()


def test_accessibility_is_checked(open_page, accessibility):
    page = open_page("data:text/html,<html lang=en><title>t</title><main><h1>t</h1><p style='color:%23ccc'>pale</p></main>")
    assert [line.split()[0] for line in accessibility(page)] == ["color-contrast"]


@pytest.mark.parametrize("width", ["phone", "desktop"])
def test_widths(open_page, width):
    page = open_page("about:blank", width)
    assert page.evaluate("innerWidth") == {"phone": 390, "desktop": 1280}[width]
