'use strict';
(() => {
  const EVERY = 10000;
  const live = document.getElementById('live');
  const ways = 'a[href], [tabindex="0"], summary';
  // As every other time on the page.
  const time = () => new Date().toISOString().slice(11, 19) + ' UTC';
  let seen = time();

  // Who reads, selects or scrolls stays where they are.
  const replace = (now, then) => {
    const places = [...now.querySelectorAll(ways)];
    const place = places.indexOf(document.activeElement);
    const across = [...now.querySelectorAll('.scroll')].map(box => [box.scrollLeft, box.scrollTop]);
    const open = [...now.querySelectorAll('details')].map(box => box.open);
    now.replaceWith(then);
    [...then.querySelectorAll('.scroll')].forEach((box, index) => {
      if (across[index]) [box.scrollLeft, box.scrollTop] = across[index];
    });
    [...then.querySelectorAll('details')].forEach((box, index) => { if (open[index]) box.open = true; });
    if (place >= 0) then.querySelectorAll(ways)[place]?.focus({ preventScroll: true });
  };

  const renew = async () => {
    const now = document.querySelector('main');
    const selection = document.getSelection();
    if (document.hidden || !now || (selection && !selection.isCollapsed)) return;
    try {
      const answer = await fetch(location.href, { cache: 'no-store' });
      if (!answer.ok) throw new Error('status ' + answer.status);
      const then = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main');
      if (!then) throw new Error('no page');
      replace(now, then);
      seen = time();
      live.textContent = 'Live: renewed at ' + seen + '.';
      live.classList.remove('problem');
    } catch (error) {
      live.textContent = 'Not renewed since ' + seen + ': ' + error.message + '.';
      live.classList.add('problem');
    }
  };

  const again = async () => {
    await renew();
    setTimeout(again, EVERY);
  };

  live.textContent = 'Live: renewed every ' + EVERY / 1000 + ' seconds while it is seen.';
  document.addEventListener('visibilitychange', renew);
  setTimeout(again, EVERY);
})();
