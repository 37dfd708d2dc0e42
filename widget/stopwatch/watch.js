// Runs in the page before anything else. See doc.go for the moments.
(() => {
  const marks = {};
  let control;
  let reacted = () => {};
  // The end of the frame: a message that is posted in an animation frame is delivered after its painting.
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => resolve(performance.now());
    channel.port2.postMessage(0);
  }));
  const sign = () => {
    const { left, top, width, height } = control.getBoundingClientRect();
    ocapiStopwatchSign(JSON.stringify({ x: left + width / 2, y: top + height / 2, text: control.matches('input') }));
  };
  // What the control looks like when it has handled input, and has not yet.
  const look = () => control.matches('input') ? control.value.length : control.getAttribute('aria-pressed');
  // At the window, after all of the page's own listeners: only what has changed something counts.
  let before;
  for (const type of ['click', 'input']) {
    addEventListener(type, (event) => {
      if (!control || event.composedPath()[0].closest?.('.tile,input') !== control || look() === before) return;
      before = look();
      reacted(performance.now());
    });
  }
  const reaction = () => new Promise((resolve) => (reacted = resolve));

  const loaded = new Promise((resolve, reject) => {
    document.addEventListener('ocapi-challenge-unavailable', (event) => reject(new Error('there is no challenge: ' + event.detail.reason)));
    document.addEventListener('ocapi-challenge-ready', async (event) => {
      marks.ready = performance.now();
      marks.type = event.detail.type;
      const root = event.target.shadowRoot;
      const images = [...root.querySelectorAll('img')];
      const pictures = Promise.all(images.map((image) => image.decode())).then(frame);
      control = root.querySelector('.tile,input');
      before = look();
      marks.shown = await frame();
      const usable = reaction();
      sign();
      marks.usable = await usable;
      marks.pictures = images.length ? await pictures : 0;
      resolve();
    }, { once: true });
  });
  loaded.catch(() => {}); // whoever asks is told

  const entry = (address) => {
    const found = performance.getEntriesByType('resource').filter(({ name }) => address.test(name));
    if (found.length !== 1) throw new Error(found.length + ' requests for ' + address + ' instead of one');
    return found[0];
  };

  window.ocapiStopwatch = {
    // Gives the moments in milliseconds, once all are there.
    async read() {
      await loaded;
      return { ...marks, script: entry(/\/ocapi-[^/]*\.js/).startTime, response: entry(/\/challenge\/[^/?]+\?/).responseEnd };
    },
    // The same input once more, when nothing else is to be done: how long it takes from sign to reaction.
    async echo() {
      await frame();
      const began = performance.now();
      const reacted = reaction();
      sign();
      return await reacted - began;
    },
    // Resolves when the page has nothing to do.
    async rest() {
      await frame();
      await new Promise(requestIdleCallback);
      return true;
    },
  };
})();
