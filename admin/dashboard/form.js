// Dialogs with forms: they start from the present values, send what was changed, and show what the
// gateway has to say of a field at that field.
import {ApiError} from './api.js';
import {button, clear, h, setHidden} from './dom.js';
import {t} from './i18n.js';
import {faultSentence, sentence} from './parts.js';

let lastId = 0;
const aside = new Set();  // dialogs that wait for a sign-in

// Open dialogs are put aside with all that was typed; returns whether there are any.
export function putAside() {
  for (const node of document.querySelectorAll('dialog[open]')) {
    aside.add(node);
    node.close();
  }
  return aside.size > 0;
}

export function bringBack() {
  for (const node of aside) node.showModal();
  aside.clear();
}

// A dialog that is removed when it closes. `foot` are its buttons; Escape closes it.
export function openDialog(title, {body, foot = [], wide = false, closed} = {}) {
  const id = `d${++lastId}`;
  const node = h('dialog', {class: wide ? 'wide' : undefined, 'aria-labelledby': id},
    h('header', {}, h('h2', {id, text: title}),
      button(t('close'), {name: 'close', bare: true, click: () => node.close()})),
    h('div', {class: 'content'}, body), foot.length ? h('footer', {}, foot) : null);
  node.addEventListener('close', () => {
    if (aside.has(node)) return;
    node.remove();
    closed?.();
  });
  document.body.append(node);
  node.showModal();
  return node;
}

// Asks; resolves true when `action` was chosen.
export function confirmed({title, text, action, danger = true}) {
  return new Promise((resolve) => {
    let yes = false;
    const go = button(action, {kind: danger ? 'danger' : 'primary', click: () => {
      yes = true;
      node.close();
    }});
    const node = openDialog(title, {
      body: h('p', {text}),
      foot: [button(t('cancel'), {click: () => node.close()}), go],
      closed: () => resolve(yes),
    });
  });
}

function control(field, id) {
  const common = {id, name: field.name, required: field.required, placeholder: field.placeholder,
    autocomplete: 'off', spellcheck: 'false'};
  if (field.kind === 'select')
    return h('select', {id, name: field.name}, field.options.map(([value, text]) =>
      h('option', {value, text})));
  if (field.kind === 'check') return h('input', {id, name: field.name, type: 'checkbox'});
  if (field.kind === 'lines') return h('textarea', {...common, rows: String(field.rows ?? 3)});
  if (field.kind === 'number')
    return h('input', {...common, type: 'number', step: field.step ?? '1', min: field.min,
      inputmode: field.step ? 'decimal' : 'numeric'});
  return h('input', {...common, type: field.kind ?? 'text'});
}

// One a line: what stands there may have commas.
const asLines = (text) => text.split('\n').map((line) => line.trim()).filter(Boolean);

// What is in a control, as the API wants it. An empty number is nothing at all.
function read(field, input) {
  if (field.editor) return field.editor.read();
  if (field.kind === 'check') return input.checked;
  if (field.kind === 'number') return input.value.trim() === '' ? undefined : Number(input.value);
  if (field.list) return asLines(input.value);
  return field.kind === 'lines' || field.kind === 'password' ? input.value : input.value.trim();
}

function write(field, input, value) {
  if (field.editor) field.editor.write(value ?? {});
  else if (field.kind === 'check') input.checked = Boolean(value);
  else if (field.list) input.value = (value ?? []).join('\n');
  else if (value !== undefined && value !== null) input.value = String(value);
}

// One field with its label, hint and place for a fault.
class Field {
  constructor(field, value, readOnly) {
    this.field = field;
    this.id = `f${++lastId}`;
    this.input = field.editor ? field.editor.node : control(field, this.id);
    this.fault = h('p', {class: 'fault', id: `${this.id}e`, hidden: true});
    const hint = field.hint ? h('p', {class: 'hint', id: `${this.id}h`, text: field.hint}) : null;
    const label = field.editor ? h('span', {class: 'label', text: field.label})
      : h('label', {for: this.id, text: field.label});
    if (hint) this.input.setAttribute('aria-describedby', hint.id);
    this.hint = hint;
    write(field, this.input, value);
    if (readOnly) this.#lock();
    this.node = h('div', {class: `field ${field.kind ?? ''} ${field.size ?? ''}`.trim()},
      field.kind === 'check' ? [this.input, label] : [label, this.input], hint, this.fault);
    this.before = JSON.stringify(this.value());
  }

  #lock() {
    const all = this.field.editor ? this.input.querySelectorAll('input, button, select')
      : [this.input];
    for (const one of all) one.disabled = true;
  }

  value() {
    return read(this.field, this.input);
  }

  changed() {
    return JSON.stringify(this.value()) !== this.before;
  }

  // Whether it can be sent. What cannot is said here: to the browser, a number or a time that it
  // cannot read is empty.
  check() {
    this.say(null);
    if (this.field.editor) return this.field.editor.check();
    if (!this.input.validity.badInput) return true;
    this.say(t(this.field.kind === 'number' ? 'form.number' : 'form.unread'));
    return false;
  }

  say(problem) {
    setHidden(this.fault, !problem);
    this.fault.textContent = problem ?? '';
    const target = this.input;
    if (problem) target.setAttribute('aria-invalid', 'true');
    else target.removeAttribute('aria-invalid');
    const ids = [this.hint?.id, problem && this.fault.id].filter(Boolean).join(' ');
    if (ids) target.setAttribute('aria-describedby', ids);
    else target.removeAttribute('aria-describedby');
  }

  focus() {
    const folded = this.node.closest('details');
    if (folded) folded.open = true;
    (this.field.editor ? this.input.querySelector('[aria-invalid=true]') ??
      this.input.querySelector('input, button') : this.input)?.focus();
    this.node.scrollIntoView({block: 'center'});
  }
}

// What of a fault's path lies in a field: '' of the field itself, '.x.native_id' or '[1]' of what
// is in it; undefined: it is of another.
function restOf(path, {name, path: own = name}) {
  if (!path.startsWith(own)) return undefined;
  const rest = path.slice(own.length);
  return rest === '' || rest[0] === '.' || rest[0] === '[' ? rest : undefined;
}

function placed(rest, field, fault) {
  const text = faultSentence(fault);
  const line = field.list && /^\[(\d+)\]$/.exec(rest);
  if (line) return t('form.line', {n: Number(line[1]) + 1, text});
  return rest ? `${rest.replace(/^\./, '')}: ${text}` : text;
}

// Puts the faults to their fields ("model_mappings.x.native_id" to "model_mappings"); returns those
// that have none.
function place(fields, errors) {
  const strays = [];
  const told = new Map();  // the field's lines
  for (const fault of errors) {
    const found = fields.find(({field}) => restOf(fault.field, field) !== undefined);
    if (!found) strays.push(`${fault.field}${fault.field ? ': ' : ''}${faultSentence(fault)}`);
    else told.set(found, [...told.get(found) ?? [],
      placed(restOf(fault.field, found.field), found.field, fault)]);
  }
  for (const [field, lines] of told) field.say(lines.join('\n'));
  return strays;
}

// What is said over a form that was refused; nothing that stands at its field already.
function showRefusal(summary, fields, error) {
  const strays = place(fields, error.errors);
  const atFields = error.errors.length > 0 && (strays.length === 0 || error.code === 'invalid');
  clear(summary, h('p', {text: atFields ? t('form.refused') : sentence(error)}),
    strays.map((text) => h('p', {text})));
  setHidden(summary, false);
}

// openForm({title, sections: [{legend, folded, fields}], values, send, done, action})
//   a field's `path` is what the API calls it where that is not its name
//   send(changes, all)   a promise; changes are the members that differ from the beginning
//   done(answer)         after it; the dialog is closed by then
export function openForm({title, sections, values = {}, send, done, action = t('save'), intro,
  readOnly = false, whole = false, wide = false}) {
  const fields = [];
  const summary = h('div', {class: 'summary', role: 'alert', hidden: true, tabindex: '-1'});
  const parts = sections.map((section) => {
    const made = section.fields.map((field) => new Field(field, values[field.name], readOnly));
    fields.push(...made);
    const grid = h('div', {class: 'fields'}, made.map(({node}) => node));
    return section.folded !== undefined
      ? h('details', {open: !section.folded}, h('summary', {text: section.legend}), grid)
      : h('fieldset', {}, section.legend ? h('legend', {text: section.legend}) : null, grid);
  });
  const submit = button(action, {kind: 'primary'});
  submit.type = 'submit';
  const form = h('form', {novalidate: true}, intro ? h('div', {class: 'intro'}, intro) : null,
    summary, parts);
  form.id = `form${++lastId}`;
  submit.setAttribute('form', form.id);
  const node = openDialog(title, {body: form, wide, foot: readOnly
    ? [button(t('close'), {click: () => node.close()})]
    : [button(t('cancel'), {click: () => node.close()}), submit]});

  async function save(event) {
    event.preventDefault();
    setHidden(summary, true);
    const wrong = fields.filter((one) => !one.check());
    if (wrong.length) return wrong[0].focus();
    const all = {};
    const changes = {};
    for (const one of fields) {
      const value = one.value();
      if (value !== undefined) all[one.field.name] = value;
      if (one.changed()) changes[one.field.name] = value ?? null;  // emptied: taken away
    }
    if (!whole && Object.keys(changes).length === 0) return node.close();
    submit.disabled = true;
    try {
      const answer = await send(changes, all);
      node.close();
      await done?.(answer);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.ended) return undefined;  // it comes back with the sign-in
      showRefusal(summary, fields, error);
      (fields.find((one) => one.input.hasAttribute('aria-invalid')) ?? summary).focus();
    } finally {
      submit.disabled = false;
    }
    return undefined;
  }
  form.addEventListener('submit', save);
  if (!readOnly) fields[0]?.focus();
  return node;
}
