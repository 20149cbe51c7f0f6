/** The library's native sampler: an object that is configured before each use. */
interface Sampler {
  dispose(): void;
}

/** Of the library's native module what its own `LlamaSampler` makes samplers with; its types do not tell of it. */
interface Bindings {
  readonly AddonSampler: new (model: object) => Sampler;
}

/**
 * Has samplers used again. The library makes one for each evaluation, with room for the whole vocabulary (12 bytes a
 * token), and frees that room only with the JavaScript object, of whose true size the garbage collector knows nothing:
 * at twenty verdicts a second the process grew by 5 MB each second with a vocabulary of 4,096.
 * @param llama its samplers are of one model from now on.
 */
export function reuseSamplers(llama: object): void {
  const { _bindings: native } = llama as { readonly _bindings: Bindings };
  const idle: Sampler[] = [];
  const AddonSampler = new Proxy(native.AddonSampler, {
    construct: (Native, [model]: [object]) => {
      const used = idle.pop();
      if (used) return used;
      const sampler = new Native(model);
      // Its owner disposes of it once.
      return Object.defineProperty(sampler, 'dispose', { value: () => void idle.push(sampler) });
    },
  });
  const bindings: unknown = Object.create(native, { AddonSampler: { value: AddonSampler } });
  Object.assign(llama, { _bindings: bindings });
}
