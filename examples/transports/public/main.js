// The page: one card and one connection for each transport. In ECMAScript 5, so that old browsers run it, too: those that cannot
// read the modern build get the legacy build on all cards.
(function () {
  var LOOK_EVERY_MS = 1000;
  var LOOK_TIMEOUT_MS = 5000;
  /** How many round trips the median is of. */
  var KEPT_ROUND_TRIPS = 10;
  /** What an attempt may take until the next card begins, too. */
  var PATIENCE_MS = 3000;
  /** What a goodbye may take until its connection is opened again. See `reconnect`. */
  var GOODBYE_MS = 500;

  var ROWS = [
    { name: "default", title: "Default", note: "WebSocket first, polling beside it" },
    { name: "websocket", title: "WebSocket", note: "one connection, both ways" },
    { name: "polling", title: "Polling", note: "a response and a POST per batch" },
    { name: "stream", title: "Stream", note: "one long response, and POSTs" },
    { name: "sse", title: "SSE", note: "server-sent events, and POSTs" },
    { name: "iframe", title: "Iframe", note: "a document without end, and POSTs", old: true },
    { name: "jsonp", title: "JSONP", note: "script elements, and forms", old: true },
  ];

  var LABELS = {
    transport: "In use",
    roundTrip: "Round trip",
    down: "Received",
    up: "Sent",
    requests: "Requests",
    build: "Client",
  };
  var NOTHING = "–";

  var cards = [];

  function Card(row, index) {
    this.row = row;
    this.index = index;
    this.state = "waiting";
    this.roundTrips = [];
    this.socket = undefined;
    this.fields = {};
    this.build = window.modernIo && !row.old ? "modern" : "legacy";
    this.draw();
  }

  Card.prototype.draw = function () {
    var self = this;
    var card = (this.element = add(document.getElementById("cards"), "section"));
    card.id = this.row.name;
    add(card, "h2", this.row.title);
    this.fields.state = add(card, "p", "", "state");
    add(card, "p", this.row.note, "note");
    var list = add(card, "dl");
    for (var name in LABELS) {
      var pair = add(list, "div");
      add(pair, "dt", LABELS[name]);
      this.fields[name] = add(pair, "dd", NOTHING, name);
    }
    setText(this.fields.build, this.build);
    this.fields.reason = add(card, "p", "", "reason");
    var button = add(card, "button", "Reconnect");
    button.type = "button";
    button.setAttribute("aria-label", "Reconnect " + this.row.title);
    button.onclick = function () {
      if (self.socket) self.reconnect();
    };
    this.become("waiting");
  };

  /**
   * The long response of a connection stays until its goodbye has got through. A new one at once could take the last of the
   * browser's six connections, and then neither goodbyes nor anything else would.
   */
  Card.prototype.reconnect = function () {
    var socket = this.socket;
    this.become("connecting");
    socket.disconnect();
    clearTimeout(this.again);
    this.again = setTimeout(function () {
      socket.connect();
    }, GOODBYE_MS);
  };

  /** Connects. `settled` is called once, when it is known whether that worked. */
  Card.prototype.start = function (settled) {
    var self = this;
    var io = this.build === "modern" ? window.modernIo : window.io;
    if (!io) {
      this.become("failed", "the " + this.build + " build did not load");
      settled();
      return;
    }
    // Its own connection, and the name by which the server counts for it.
    var options = { forceNew: true, query: { card: Math.random().toString(36).slice(2, 12) } };
    if (this.row.name !== "default") options.transports = [this.row.name];
    var socket = (this.socket = io(options));
    this.become("connecting");
    socket.on("connect", function () {
      self.become("connected");
      // Not all at once.
      setTimeout(function () {
        self.look();
      }, self.index * 60);
      settled();
    });
    socket.on("disconnect", function (reason) {
      // By the button: it says itself what is next.
      if (reason !== "io client disconnect") self.become("failed", reason);
    });
    socket.on("connect_error", function (error) {
      var cause = error.description && error.description.message;
      self.become("failed", error.message + (cause ? ": " + cause : ""));
      settled();
    });
    setTimeout(settled, PATIENCE_MS);
    setInterval(function () {
      self.look();
    }, LOOK_EVERY_MS);
  };

  /** One round trip. What it brings back is what the server has counted. */
  Card.prototype.look = function () {
    var self = this;
    var socket = this.socket;
    if (!socket.connected || this.isLooking) return;
    this.isLooking = true;
    var since = now();
    socket.timeout(LOOK_TIMEOUT_MS).emit("look", function (error, totals) {
      self.isLooking = false;
      if (error || !socket.connected) return;
      self.roundTrips.push(now() - since);
      self.roundTrips = self.roundTrips.slice(-KEPT_ROUND_TRIPS);
      self.show(totals);
    });
  };

  Card.prototype.show = function (totals) {
    setText(this.fields.transport, this.socket.io.engine.transport.name);
    setText(this.fields.roundTrip, milliseconds(median(this.roundTrips)));
    setText(this.fields.up, bytes(totals.up));
    setText(this.fields.down, bytes(totals.down));
    setText(this.fields.requests, String(totals.requests));
  };

  Card.prototype.become = function (state, reason) {
    this.state = state;
    this.element.className = "card " + state;
    setText(this.fields.state, state === "failed" ? "not connected" : state);
    setText(this.fields.reason, reason || "");
    if (state !== "connected") {
      this.roundTrips = [];
      setText(this.fields.transport, NOTHING);
      setText(this.fields.roundTrip, NOTHING);
    }
    summarize();
  };

  function summarize() {
    var connected = 0;
    for (var i = 0; i < cards.length; i += 1) if (cards[i].state === "connected") connected += 1;
    setText(document.getElementById("summary"), connected + " of " + cards.length + " connected");
  }

  /** WebTransport is over HTTP/3 only, and Node.js has none of its own. */
  function drawWebTransport() {
    var card = add(document.getElementById("cards"), "section", "", "card absent");
    card.id = "webtransport";
    add(card, "h2", "WebTransport");
    add(card, "p", "needs HTTP/3", "state");
    add(card, "p", "streams over QUIC", "note");
    var browser = window.WebTransport ? "This browser could use it here" : "This browser offers none here";
    add(card, "p", browser + "; the server needs a package for HTTP/3 besides.", "reason");
  }

  function add(parent, name, text, className) {
    var element = document.createElement(name);
    if (text) setText(element, text);
    if (className) element.className = className;
    parent.appendChild(element);
    return element;
  }

  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function now() {
    return window.performance && performance.now ? performance.now() : new Date().getTime();
  }

  function median(numbers) {
    var sorted = numbers.slice().sort(function (a, b) {
      return a - b;
    });
    return sorted[Math.floor(sorted.length / 2)];
  }

  function milliseconds(value) {
    return (value < 10 ? value.toFixed(1) : value.toFixed(0)) + " ms";
  }

  function bytes(count) {
    if (count < 1000) return count + " B";
    return count < 1e6 ? (count / 1000).toFixed(1) + " kB" : (count / 1e6).toFixed(1) + " MB";
  }

  /** One after the other, since a browser opens few connections to a host at a time. */
  function startFrom(index) {
    if (index === cards.length) return;
    var isSettled = false;
    cards[index].start(function () {
      if (isSettled) return;
      isSettled = true;
      startFrom(index + 1);
    });
  }

  for (var i = 0; i < ROWS.length; i += 1) cards.push(new Card(ROWS[i], i));
  drawWebTransport();
  summarize();
  // Old browsers take a page for loading as long as a request lasts that began before.
  window.onload = function () {
    setTimeout(function () {
      startFrom(0);
    }, 0);
  };
})();
