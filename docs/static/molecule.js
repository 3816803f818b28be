/* Molecules in 3D on a static page: NGL from this site, frames from molecules/NAME.js beside it.

<figure class="molecule" data-molecule="ethanol"> holds a still picture until NGL has drawn. */

(() => {
  const BASE = new URL(".", document.currentScript.src);
  const STICK = 0.12; // Å
  const FIELD = 40; // degrees, of NGL's camera
  const SCALE = ["#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677"]; // readable on white and black
  const registry = (window.mdlearnMolecules = window.mdlearnMolecules || {});

  function script(path) {
    return new Promise((resolve, reject) => {
      const tag = document.createElement("script");
      tag.src = new URL(path, BASE);
      tag.onload = resolve;
      tag.onerror = () => reject(new Error(path + " could not be loaded"));
      document.head.append(tag);
    });
  }

  let library;
  function ngl() {
    library = library || (async () => {
      await script("ngl/entry.js");
      const shared = {};
      await window._JUPYTERLAB["nglview-js-widgets"].init(shared);
      return (await Object.values(shared.ngl)[0].get())();
    })();
    return library;
  }

  function unpack(text, atoms, unit) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const whole = new Int16Array(bytes.buffer);
    const frames = [];
    for (let k = 0; k < whole.length; k += 3 * atoms) {
      frames.push(Float32Array.from(whole.subarray(k, k + 3 * atoms), (x) => x * unit));
    }
    return frames;
  }

  const LOOKS = {
    "ball+stick": (component, look) => {
      component.addRepresentation("licorice", { radius: STICK, ...look });
      component.addRepresentation("spacefill", { sele: "not _H", radiusType: "covalent", radiusScale: 0.45, ...look });
      component.addRepresentation("spacefill", { sele: "_H", radiusType: "covalent", radiusScale: 0.65, ...look });
    },
    spacefill: (component, look) => {
      component.addRepresentation("spacefill", { radiusType: "covalent", radiusScale: 1.25, ...look });
    },
    cartoon: (component, look) => {
      component.addRepresentation("cartoon", { aspectRatio: 4, ...look });
    },
    ghost: (component) => {
      component.addRepresentation("cartoon", { color: "#aaaaaa", opacity: 0.5, aspectRatio: 4 });
    },
  };

  function colors(data) {
    if (data.colors === "chain") return { colorScheme: "residueindex", colorScale: SCALE };
    if (data.colors) return { colorScheme: "bfactor", colorScale: data.colors, colorDomain: [0, 100] };
    return { colorScheme: "element" };
  }

  function box(NGL, stage, edges) {
    const shape = new NGL.Shape("cell");
    for (const [from, to] of edges) shape.addCylinder(from, to, [0.55, 0.55, 0.55], 0.05);
    stage.addComponentFromObject(shape).addRepresentation("buffer");
  }

  function arrows(NGL, stage, from, to, old) {
    if (old) stage.removeComponent(old);
    const shape = new NGL.Shape("forces");
    for (let i = 0; i < from.length; i += 3) {
      shape.addArrow(Array.from(from.subarray(i, i + 3)), Array.from(to.subarray(i, i + 3)), [0.84, 0.37, 0], 0.07);
    }
    const component = stage.addComponentFromObject(shape);
    component.addRepresentation("buffer");
    return component;
  }

  /* Fill the view: all molecules lie around the origin, x to the right and y up. */
  function near(stage, place, more) {
    let x = 0, y = 0;
    const reach = (a, b) => { x = Math.max(x, Math.abs(a)); y = Math.max(y, Math.abs(b)); };
    stage.eachComponent((c) => c.structure && c.structure.eachAtom((atom) => reach(atom.x, atom.y)));
    for (const places of more) for (let i = 0; i < places.length; i += 3) reach(places[i], places[i + 1]);
    const half = Math.max(y + 1.2, (x + 1.2) * place.clientHeight / place.clientWidth);
    stage.viewerControls.center(stage.viewerControls.position.clone().set(0, 0, 0));
    stage.viewerControls.distance(half / Math.tan((FIELD / 2) * Math.PI / 180));
  }

  async function draw(figure) {
    const name = figure.dataset.molecule;
    const [NGL] = await Promise.all([ngl(), registry[name] || script(`molecules/${name}.js`)]);
    const data = registry[name];
    const place = figure.querySelector(".stage");
    const stage = new NGL.Stage(place, { clipDist: 0.1, fogNear: 60, fogFar: 110, cameraType: "orthographic", tooltip: false });
    const ground = () => stage.setParameters({
      backgroundColor: getComputedStyle(place).getPropertyValue("--ground").trim() || "white",
    });
    ground();
    new MutationObserver(ground).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    new ResizeObserver(() => stage.handleResize()).observe(place);
    stage.mouseControls.remove("scroll"); // the wheel belongs to the page
    stage.mouseControls.add("scroll-ctrl", NGL.MouseActions.zoomScroll);
    const load = (text) => stage.loadFile(new Blob([text]), { ext: "pdb", defaultRepresentation: false });
    const component = await load(data.pdb);
    LOOKS[data.style](component, colors(data));
    if (data.beside) LOOKS.ghost(await load(data.beside));
    if (data.cell) box(NGL, stage, data.cell);
    const frames = data.frames ? unpack(data.frames, data.atoms, data.unit) : [];
    const ends = (data.cell || []).map((edge) => edge[0]).flat();
    near(stage, place, [...frames.slice(-1), ends]);
    figure.classList.add("drawn");
    if (!frames.length) return;
    const tips = data.arrows && unpack(data.arrows, data.atoms, data.unit);
    let forces = null;
    player(figure, frames.length, data.times, (k) => {
      component.structure.updatePosition(frames[k]);
      component.updateRepresentations({ position: true });
      if (tips) forces = arrows(NGL, stage, frames[k], tips[k], forces);
    });
  }

  function player(figure, count, times, place) {
    const button = figure.querySelector("button");
    const slider = figure.querySelector("input");
    const told = figure.querySelector("output");
    let timer = null;
    function show(k) {
      place(k);
      slider.value = k;
      told.textContent = times ? times[k] : `${k + 1} of ${count}`;
      slider.setAttribute("aria-valuetext", told.textContent);
    }
    function play(on) {
      clearInterval(timer);
      timer = on ? setInterval(() => show((Number(slider.value) + 1) % count), 60) : null;
      button.textContent = on ? "❚❚ Pause" : "▶ Play";
    }
    slider.max = count - 1;
    button.onclick = () => play(timer === null);
    slider.oninput = () => { play(false); show(Number(slider.value)); };
    figure.querySelector(".player").hidden = false;
    show(0);
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (figure.dataset.autoplay && !calm) play(true);
  }

  function begin() {
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        seen.unobserve(entry.target);
        draw(entry.target).catch((error) => {
          console.warn(`no 3D here, the picture stays: ${error.message}`);
          entry.target.classList.add("failed");
        });
      }
    });
    document.querySelectorAll("figure.molecule").forEach((figure) => seen.observe(figure));
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
