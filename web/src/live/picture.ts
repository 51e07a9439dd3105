/** Decodes a picture, beside the main thread; null if this browser cannot. */
export async function decodePicture(jpeg: Uint8Array<ArrayBuffer>): Promise<ImageBitmap | null> {
  try {
    return await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
  } catch {
    return null;
  }
}
