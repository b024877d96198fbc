"""The page of a word table in a browser: searched, zoomed, clicked, and with words that would be HTML."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from lightrnn_gluon.coherence import CoherentLine
from lightrnn_gluon.report.viewer import viewer_page
from lightrnn_gluon.table import WordTable

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no chromium: apt-get install chromium (Debian), then run this again"
)
HOSTILE = "<script>window.hacked=1</script>"
# Stands at the end of the page: does what a reader would, and leaves what came of it behind.
READER = """<script>
const found = {}, say = (name, value) => { found[name] = value; };
window.addEventListener("error", (event) => say("error", event.message));
const type = (text) => { $("search").value = text; $("search").dispatchEvent(new Event("input")); };
const texts = (selector) => [...document.querySelectorAll(selector)].map((each) => each.textContent);
const started = performance.now();
%s
say("seconds", (performance.now() - started) / 1000);
say("hacked", window.hacked === undefined ? "no" : "yes");
$("data").remove();
document.body.appendChild(element("pre", JSON.stringify(found))).id = "found-by-reader";
</script>
"""


def read(tmp_path, page, actions):
    """What the reader's actions find on the page."""
    path = tmp_path / "page.html"
    path.write_text(page.replace("</body>", READER % actions + "</body>"), encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,800"]
    command += [f"--user-data-dir={tmp_path}/browser", "--dump-dom", f"file://{path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    (text,) = re.findall('<pre id="found-by-reader">(.*?)</pre>', done.stdout, re.DOTALL)
    result = json.loads(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert result["hacked"] == "no" and "error" not in result
    return result


@pytest.fixture
def page():
    """Sixteen words, one of them hostile, in two tables."""
    words = ["the", "of", HOSTILE, *(f"word{number}" for number in range(13))]
    tables = {"start": WordTable(np.arange(16)), "model": WordTable(np.arange(16)[::-1].copy())}
    line = CoherentLine("suffix", "row", 2, 1.0, "-ord", 0.5, 0.1, [HOSTILE, "word1"])
    return viewer_page("A table", words, tables, np.arange(16)[::-1] * 7, [line])


def test_a_word_is_searched_and_shown_with_its_mates(tmp_path, page):
    found = read(
        tmp_path, page,
        """type("of"); say("title", texts("#word h2")[0]); say("facts", texts("#word dd"));
        say("mates", texts("#word button")); type("wor"); say("offered", texts("#found button"));
        type("nothing"); say("none", texts("#found span"));""",
    )  # fmt: skip
    assert found["title"] == "of"
    assert found["facts"] == ["2", "98 times", "row 0, column 1", "row 3, column 2"]
    assert found["mates"] == ["the", HOSTILE, "word0", "word2", "word6", "word10"]
    assert found["offered"] == [f"word{number}" for number in range(12)]
    assert found["none"] == ["no such word"]


def test_a_hostile_word_is_text_wherever_it_stands(tmp_path, page):
    found = read(
        tmp_path, page,
        """type(words[2]); say("title", texts("#word h2")[0]);
        say("lines", texts("#lines button")); document.querySelector("#lines button").click();
        say("line", [line.axis, line.number]);""",
    )  # fmt: skip
    assert found["title"] == HOSTILE
    assert found["lines"] == [f"row 2: suffix -ord (50 %): {HOSTILE}, word1"]
    assert found["line"] == ["row", 2]


def test_the_table_is_zoomed_moved_and_clicked_and_earlier_ones_are_shown(tmp_path, page):
    found = read(
        tmp_path, page,
        """const at = (x, y) => ({ clientX: x, clientY: y, bubbles: true, pointerId: 1 });
        canvas.setPointerCapture = () => {};
        const before = scale;
        canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: 300, clientX: 300, clientY: 300 }));
        say("zoomed", scale / before);
        canvas.dispatchEvent(new PointerEvent("pointerdown", at(10, 10)));
        const from = left;
        canvas.dispatchEvent(new PointerEvent("pointermove", at(60, 10)));
        canvas.dispatchEvent(new PointerEvent("pointerup", at(60, 10)));
        say("moved", left - from);
        const x = left + 2.5 * scale, y = top_ + 1.5 * scale;
        canvas.dispatchEvent(new PointerEvent("pointerdown", at(x, y)));
        canvas.dispatchEvent(new PointerEvent("pointerup", at(x, y)));
        say("clicked", texts("#word h2")[0]);
        $("when").value = 0; $("when").dispatchEvent(new Event("change"));
        say("tables", texts("#when option")); say("mates", texts("#word button").slice(0, 3));
        document.querySelector("#word button").click(); say("followed", texts("#word h2")[0]);""",
    )  # fmt: skip
    assert 0.3 < found["zoomed"] < 0.9 and found["moved"] == 50
    assert found["clicked"] == "word6"  # row 1, column 2 of the model's table: cell 6, the 10th word
    assert found["tables"] == ["start", "model"]
    assert found["mates"] == ["word5", "word7", "word8"]
    assert found["followed"] == "word5"


def test_as_many_words_as_the_billion_word_benchmark_has_are_searched(tmp_path):
    size = 793_471
    words = [f"w{number:x}" for number in range(size)]
    page = viewer_page("Large", words, {"model": WordTable.random(size, 1)}, None, [])
    found = read(tmp_path, page, f'type("w{size - 1:x}"); say("title", texts("#word h2")[0]);')
    assert found["title"] == words[-1]
    print(f"searched and drawn in {found['seconds']:.2f} s")
