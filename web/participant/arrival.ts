/** The token in this page's address, made by the server if the address is the study's link. */
export async function arrive(): Promise<string> {
  const token = /^\/p\/([^/]+)\/?$/.exec(location.pathname)?.[1];
  if (token !== undefined) return decodeURIComponent(token);
  for (let pause = 500; ; pause = Math.min(5000, pause * 2)) {
    try {
      const response = await fetch("/api/participants", { method: "POST" });
      if (response.ok) {
        const created = (await response.json()) as { token: string; path: string };
        // A reload, or the way back to this page, must find the same participant.
        history.replaceState(null, "", created.path);
        return created.token;
      }
    } catch {
      // The notice tells that the server is out of reach.
    }
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random() / 2)));
  }
}
