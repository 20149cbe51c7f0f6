/** What client and server say about families. */
import { RequestType, type WorkDoneProgressParams } from 'vscode-languageserver';
import type { Fit } from './fit.ts';

/** A model family that this machine drafts with, or could. */
export interface FamilyOffer {
  readonly id: string;
  /** `elsewhere`: in a folder that the settings name. `catalogue`: to be had over the network, for who asks for it. */
  readonly where: 'embedded' | 'installed' | 'elsewhere' | 'catalogue';
  /** What the setting `family` is for it; null before it is installed. */
  readonly setting: string | null;
  /** Whether completions are drafted with it now. */
  readonly used: boolean;
  /** Parameters of its draft, as `0.49 B`; null where its file does not tell. */
  readonly parameters: string | null;
  /** Bytes of its draft, which is all that a laptop needs. */
  readonly bytes: number;
  /** Bytes of it that are here from a download that was ended. */
  readonly came: number;
  readonly licence: string;
  /** What to know before using it, one sentence. */
  readonly note: string | null;
  readonly fit: Fit;
}

export interface FamilyList {
  /** What is here first; none of it asks a network. */
  readonly families: readonly FamilyOffer[];
  /** One sentence for each that is here and cannot be used. */
  readonly problems: readonly string[];
}

/** Client to server: the families that this machine could draft with. */
export const FamiliesRequest = new RequestType<object, FamilyList, void>('foretype/families');

/** What the error of a request about families has in its `data`; its message is one sentence. */
export interface FamilyFailure {
  /** `unknown`, `in-use` and the other codes of `CatalogueError`, or the system's, such as `ENOSPC`. */
  readonly code: string;
}

/** How an installation ended. One that fails is answered with an error, see {@link FamilyFailure}. */
export type FamilyInstalled =
  | {
      readonly outcome: 'installed';
      readonly id: string;
      /** What the setting `family` has to be for it; nothing is drafted with it before. */
      readonly setting: string;
      /** Whether it was there before, whole. */
      readonly already: boolean;
    }
  /** What came stays, and the next time goes on from there. */
  | { readonly outcome: 'cancelled' };

/**
 * Client to server: download a family of the catalogue. Says how far it is by work-done progress, and is called off by
 * the request's own cancellation.
 */
export const InstallFamilyRequest = new RequestType<
  { readonly id: string } & WorkDoneProgressParams,
  FamilyInstalled,
  void
>('foretype/installFamily');

/** Client to server: install a family from a folder with a `family.json`, by its absolute path, or from the address of one. */
export const ImportFamilyRequest = new RequestType<
  { readonly from: string } & WorkDoneProgressParams,
  FamilyInstalled,
  void
>('foretype/importFamily');

/**
 * Client to server: delete an installed family, and what came of one whose installation was ended. The embedded one stays
 * (`embedded`), and so does the one that is drafted with here, or that somebody is installing (`in-use`); what is not there
 * is `unknown`.
 */
export const RemoveFamilyRequest = new RequestType<{ readonly id: string }, null, void>(
  'foretype/removeFamily',
);
