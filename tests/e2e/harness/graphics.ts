/** Who paints the games of a page. */
export type Graphics = "canvas" | "webgl";

/** Arguments with which Chromium paints so where there is no graphics card. */
export const ARGUMENTS: Record<Graphics, string[]> = {
  canvas: ["--disable-gpu"],
  webgl: ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
};

/**
 * Runs in a page before its own scripts: what paints WebGL there is taken for a graphics card, and
 * what is painted can be read afterwards.
 */
export function pretendCard(): void {
  const { getContext } = HTMLCanvasElement.prototype;
  HTMLCanvasElement.prototype.getContext = function (
    this: HTMLCanvasElement,
    kind: string,
    options?: object,
  ) {
    const more = { failIfMajorPerformanceCaveat: false, preserveDrawingBuffer: true };
    const changed = kind.startsWith("webgl") ? { ...options, ...more } : options;
    return getContext.call(this, kind, changed);
  } as typeof getContext;
  for (const { prototype } of [WebGLRenderingContext, WebGL2RenderingContext]) {
    const { getParameter } = prototype;
    // UNMASKED_RENDERER_WEBGL of the extension WEBGL_debug_renderer_info.
    prototype.getParameter = function (this: WebGLRenderingContext, name: number) {
      return name === 0x9246 ? "A graphics card" : getParameter.call(this, name);
    };
  }
}
