// Tells an older browser that it is one; written so that such a browser understands it.
(function () {
  var isRecent =
    typeof structuredClone === "function" &&
    typeof Array.prototype.toSorted === "function" &&
    typeof createImageBitmap === "function" &&
    window.CSS && CSS.supports("height", "1dvh") && CSS.supports("color", "color-mix(in srgb, red, blue)");
  if (!isRecent) {
    document.getElementById("old-browser").hidden = false;
  }
})();
