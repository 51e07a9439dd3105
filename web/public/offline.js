// Loads the page that was asked for again: when somebody wants it, when the network is back, and every few seconds.
(function () {
  function again() { window.location.reload(); }
  function askFirst() {
    // A reload that fails would show this page again, and take the focus from its button.
    fetch("/healthz", { cache: "no-store" }).then(function (answer) { if (answer.ok) again(); }, function () { /* still away */ });
  }
  document.getElementById("again").addEventListener("click", again);
  window.addEventListener("online", askFirst);
  window.setInterval(askFirst, 5000);
})();
