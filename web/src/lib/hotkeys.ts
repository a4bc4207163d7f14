import { useEffect, useRef } from 'react';
import { create } from 'zustand';

/** One thing the user can do by key or from the command palette. */
export interface Command {
  id: string;
  label: string;
  group: string;
  /** `mod+k`, `g i`, `?`; single keys work only while no field has the focus. */
  keys?: string;
  /** Whether it runs on while the key is held: only what moves in a list, never what decides. */
  repeats?: boolean;
  run: () => void;
}

interface CommandState {
  commands: Record<string, Command>;
}

export const useCommands = create<CommandState>(() => ({ commands: {} }));

const SETTING = 'segue.single-keys';

interface KeySettings {
  singleKeys: boolean;
}

function storedSetting(): boolean {
  try {
    return localStorage.getItem(SETTING) !== 'off';
  } catch {
    return true;
  }
}

/** WCAG 2.1.4: shortcuts of one character can be switched off. */
export const useKeySettings = create<KeySettings>(() => ({ singleKeys: storedSetting() }));

export function setSingleKeys(on: 'on' | 'off'): void {
  useKeySettings.setState({ singleKeys: on === 'on' });
  try {
    localStorage.setItem(SETTING, on);
  } catch {
    // The choice then lasts for this page only.
  }
}

/** Registers commands while the component is mounted; the newest closure always runs. */
export function useRegisterCommands(commands: Command[]): void {
  const latest = useRef(commands);
  useEffect(() => {
    latest.current = commands;
  });
  const ids = commands.map((command) => `${command.id}|${command.label}`).join(' ');
  useEffect(() => {
    const own = latest.current.map((command) => ({
      ...command,
      run: () => latest.current.find((each) => each.id === command.id)?.run(),
    }));
    useCommands.setState((state) => ({
      commands: { ...state.commands, ...Object.fromEntries(own.map((each) => [each.id, each])) },
    }));
    return () =>
      useCommands.setState((state) => {
        const rest = { ...state.commands };
        for (const each of own) if (rest[each.id] === each) delete rest[each.id];
        return { commands: rest };
      });
  }, [ids]);
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

/** The name of a key press as commands write it, e.g. `mod+shift+a`, `?`, `j`. */
export function keyName(event: KeyboardEvent): string {
  const mod = event.ctrlKey || event.metaKey;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const letter = /^[a-z]$/.test(key);
  return [mod ? 'mod' : '', event.altKey ? 'alt' : '', event.shiftKey && letter ? 'shift' : '', key]
    .filter((part) => part !== '')
    .join('+');
}

const SEQUENCE_MS = 900;

/** Listens on the window; a sequence such as `g i` is two presses within 900 ms. */
export function startHotkeys(): () => void {
  let prefix: { key: string; at: number } | null = null;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    const name = keyName(event);
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && (isTyping(event.target) || !useKeySettings.getState().singleKeys)) return;
    if (plain && document.querySelector('[role="dialog"]') !== null) return;
    // Enter belongs to the link, button or row that has the focus.
    if (name === 'Enter' && event.target !== document.body) return;
    const commands = Object.values(useCommands.getState().commands);
    const sequence =
      prefix !== null && Date.now() - prefix.at < SEQUENCE_MS ? `${prefix.key} ${name}` : null;
    const command =
      commands.find((each) => each.keys !== undefined && each.keys === sequence) ??
      commands.find((each) => each.keys === name);
    if (command !== undefined) {
      event.preventDefault();
      // A held key is one wish, whatever comes to stand where the first one was.
      if (event.repeat && command.repeats !== true) return;
      prefix = null;
      command.run();
      return;
    }
    const opens = plain && commands.some((each) => each.keys?.startsWith(`${name} `));
    prefix = opens ? { key: name, at: Date.now() } : null;
  };
  window.addEventListener('keydown', onKeyDown);
  return () => window.removeEventListener('keydown', onKeyDown);
}

/** How a key combination is written on the screen. */
export function keyLabels(keys: string): string[] {
  const apple = typeof navigator !== 'undefined' && /Mac|iP/.test(navigator.platform);
  const names: Record<string, string> = {
    mod: apple ? '⌘' : 'Ctrl',
    shift: apple ? '⇧' : 'Shift',
    alt: apple ? '⌥' : 'Alt',
    Enter: '↵',
    Escape: 'Esc',
  };
  return keys
    .split(/[ +]/)
    .map((part) => names[part] ?? (part.length === 1 ? part.toUpperCase() : part));
}
