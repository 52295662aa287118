"""A web page for a browser: its script downloads, compares each byte, and says what came of it."""

from __future__ import annotations

_PAGE = """\
<!doctype html>
<title>%(instance)s</title>
<p id="said">loading</p>
<iframe id="held"></iframe>
<script>
// the page has not loaded, for whoever waits for that, until the frame is closed
const held = document.getElementById('held').contentDocument;
held.open();
async function download() {
  const reader = (await fetch('/bytes/%(size)d')).body.getReader();
  console.log('download begun');
  let count = 0, wrong = 0;
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return `${count} bytes, ${wrong} wrong`;
    for (let at = 0; at < value.length; at++) wrong += value[at] !== (count + at & 255);
    count += value.length;
  }
}
download().catch(String).then(said => {
  document.getElementById('said').textContent = said;
  held.close();
});
</script>
"""


def page(instance: str, size: int) -> bytes:
    """The page of an instance that downloads its ``/bytes/SIZE``, each of which is known: the bytes
    count from 0 to 255 and begin anew."""
    return (_PAGE % {"instance": instance, "size": size}).encode()
