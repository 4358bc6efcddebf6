// What a page finds in `window.kiosk`, in documents of `[api] origins` (kiosk.toml(5)): the page itself, no window above it
// and no frame in it. In the main frame of other pages `window.kiosk` has ready() alone.
//
// Each call is answered: its promise resolves when it is done, or rejects with an Error whose message is one sentence. At
// most 10 calls a second are heard, 20 at once. Nothing that a page does here is kept over a restart of the device, and
// nothing overrules an operator (kioskctl), the configuration or the schedule.

/** A screen that the page is on. */
export interface KioskOutput {
  /** Of the connector, such as "HDMI-A-1". */
  readonly name: string;
  /** By EDID; empty: the display says none. */
  readonly make: string;
  readonly model: string;
  /** Of the mode, in physical pixels, before any turning. */
  readonly width: number;
  readonly height: number;
  /** Hertz. */
  readonly refresh: number;
  /** Degrees clockwise, as the viewer sees it. */
  readonly rotation: 0 | 90 | 180 | 270;
  /** Physical pixels per CSS pixel at zoom 1: 1.0 to 4.0. */
  readonly scale: number;
  /** It is on. */
  readonly power: boolean;
  /** 0 to 100; null: the display has no control for it. */
  readonly brightness: number | null;
}

/** What the device is. */
export interface KioskInfo {
  /** The host's name. */
  readonly name: string;
  /** Of kioskd. */
  readonly version: string;
  /** The screen that the page is on, then those that mirror it. */
  readonly outputs: readonly KioskOutput[];
  /** IP addresses that others can reach, the likeliest first, then NAME.local. */
  readonly addresses: readonly string[];
}

/** The keyboard on the screen. The page has the room above it: its viewport has been resized. */
export interface KioskKeyboard {
  readonly shown: boolean;
  /** What it covers, in CSS pixels from the left and top of the screen; null: it is not there. */
  readonly area: { readonly x: number; readonly y: number; readonly width: number; readonly height: number } | null;
}

export interface KioskScreen {
  /**
   * Off, with the screens that mirror it. Any input lights it, and so does the end of the page. After somebody else has lit
   * it this is refused for a minute.
   */
  off(): Promise<void>;
  /** On, as an input would light it; not what an operator or the configuration has switched off. */
  on(): Promise<void>;
}

export interface KioskEventMap {
  /** No input for `idle.screen-off`, or for 5 minutes where that is never. */
  idle: CustomEvent<null>;
  /** Somebody is there again, after `idle`. */
  wake: CustomEvent<null>;
  /** The keyboard on the screen has come, gone or moved. */
  keyboard: CustomEvent<KioskKeyboard>;
}

export interface Kiosk extends EventTarget {
  /** With `shell.ready.page = "explicit"` the splash stays until this. */
  ready(): Promise<void>;
  /** Loads the page again. */
  reload(): Promise<void>;
  /** The first page, `shell.url`. */
  home(): Promise<void>;
  readonly screen: KioskScreen;
  /** Per cent, whole, 0 to 100; what is below 5 counts as 5. */
  brightness(percent: number): Promise<void>;
  /** Degrees clockwise; at most once a second. */
  rotate(degrees: 0 | 90 | 180 | 270): Promise<void>;
  /** A text over the page, at most 2000 characters, for 10 s and 50 ms a character; empty: none any more. */
  message(text: string): Promise<void>;
  /** As it is now: each look asks anew. */
  readonly info: Promise<KioskInfo>;
  addEventListener<K extends keyof KioskEventMap>(
    type: K, listener: (event: KioskEventMap[K]) => void, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<K extends keyof KioskEventMap>(
    type: K, listener: (event: KioskEventMap[K]) => void, options?: boolean | EventListenerOptions): void;
}

declare global {
  interface Window {
    readonly kiosk: Kiosk;
  }
}
