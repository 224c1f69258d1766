/** Uploads in IndexedDB. One database per origin, for all participants who ever came here. */

import { PROTOCOL_VERSION } from "./connection";
import type { Item, Removal, Store } from "./shelf";

const NAME = "igym";
const UPLOADS = "uploads";
/** Age and size of each upload, to be read without the uploads. */
const AGES = "ages";

/** A browser that has not opened its database by then may never do so. */
const OPEN_MS = 4000;

/** What lies there for other participants: whoever comes back for it does so soon. */
const OTHERS = { ageMs: 30 * 24 * 3600 * 1000, bytes: 32 * 1024 * 1024, count: 20_000 };

interface Row {
  participant: string;
  incarnation: number;
  seq: number;
  /** When it was written, milliseconds since 1970. */
  at: number;
  size: number;
  bytes: Uint8Array;
}

/** The store of `participant`. `handleClosed` is called if the browser takes it away. */
export async function openDatabase(participant: string, handleClosed: () => void): Promise<Store> {
  const database = await open();
  const close = () => {
    database.close();
    handleClosed();
  };
  database.onclose = handleClosed;
  // A page of another version waits to change the database; this one can do without.
  database.onversionchange = close;
  let tidied = false;
  return {
    load: async (incarnation) => {
      const items = await load(database, participant, incarnation);
      // Afterwards: a participant waits for the load, and nobody for this.
      if (!tidied) {
        tidied = true;
        tidy(database, participant).catch((error: unknown) => {
          console.warn("what other participants left could not be tidied up", error);
        });
      }
      return items;
    },
    put: (items) => put(database, participant, items),
    remove: (removals) => remove(database, participant, removals),
  };
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    let tooLate = false;
    const timer = setTimeout(() => {
      tooLate = true;
      reject(new Error("the database does not open"));
    }, OPEN_MS);
    request.onupgradeneeded = () => {
      const uploads = request.result.createObjectStore(UPLOADS, {
        keyPath: ["participant", "incarnation", "seq"],
      });
      uploads.createIndex(AGES, ["at", "size"]);
    };
    request.onsuccess = () => {
      clearTimeout(timer);
      if (tooLate) request.result.close();
      else resolve(request.result);
    };
    request.onerror = () => {
      clearTimeout(timer);
      reject(request.error);
    };
  });
}

async function load(
  database: IDBDatabase,
  participant: string,
  incarnation: number,
): Promise<Item[]> {
  const transaction = database.transaction(UPLOADS, "readwrite", { durability: "relaxed" });
  const uploads = transaction.objectStore(UPLOADS);
  const range = IDBKeyRange.bound([participant], [participant, incarnation], false, true);
  const found: Item[] = [];
  const request: IDBRequest<Row[]> = uploads.getAll(range);
  request.onsuccess = () => {
    for (const { incarnation, seq, bytes } of request.result) {
      if (isReadable(bytes)) {
        found.push({ incarnation, seq, bytes });
      } else {
        console.warn(`page ${incarnation} left upload ${seq} in a form that no server takes now`);
        uploads.delete([participant, incarnation, seq]);
      }
    }
  };
  await completion(transaction);
  return found;
}

/** An upload of this version of the protocol, which its header tells. */
function isReadable(bytes: unknown): boolean {
  if (!(bytes instanceof Uint8Array)) return false;
  return (bytes[2] ?? 0) + 256 * (bytes[3] ?? 0) === PROTOCOL_VERSION;
}

async function put(
  database: IDBDatabase,
  participant: string,
  items: readonly Item[],
): Promise<void> {
  const transaction = database.transaction(UPLOADS, "readwrite", { durability: "relaxed" });
  const uploads = transaction.objectStore(UPLOADS);
  const at = Date.now();
  for (const { incarnation, seq, bytes } of items) {
    const row: Row = { participant, incarnation, seq, at, size: bytes.byteLength, bytes };
    uploads.put(row);
  }
  await completion(transaction);
}

async function remove(
  database: IDBDatabase,
  participant: string,
  removals: readonly Removal[],
): Promise<void> {
  const transaction = database.transaction(UPLOADS, "readwrite", { durability: "relaxed" });
  const uploads = transaction.objectStore(UPLOADS);
  for (const { incarnation, seq } of removals) {
    uploads.delete(IDBKeyRange.bound([participant, incarnation], [participant, incarnation, seq]));
  }
  await completion(transaction);
}

/** Removes what other participants left too long ago, and the oldest of it where it is too much. */
async function tidy(database: IDBDatabase, participant: string): Promise<void> {
  const transaction = database.transaction(UPLOADS, "readwrite", { durability: "relaxed" });
  const uploads = transaction.objectStore(UPLOADS);
  const oldest = Date.now() - OTHERS.ageMs;
  let [bytes, count] = [0, 0];
  const request = uploads.index(AGES).openKeyCursor(null, "prev");
  request.onsuccess = () => {
    const cursor = request.result;
    if (cursor === null) return;
    const [at, size] = cursor.key as [number, number];
    const [owner] = cursor.primaryKey as [string, number, number];
    if (owner !== participant) {
      bytes += size;
      count += 1;
      if (at < oldest || bytes > OTHERS.bytes || count > OTHERS.count) {
        uploads.delete(cursor.primaryKey);
      }
    }
    cursor.continue();
  };
  await completion(transaction);
}

/** When the browser has it all, or why it has nothing of it. */
function completion(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
