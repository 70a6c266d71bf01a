import { describe, expect, it } from 'vitest';
import { mayBeSamples, modelsInJson, sortFiles } from '../../demo/src/files.ts';

/** A file of which only name and size are looked at. */
function file(name: string, size = 10): File {
  return Object.defineProperty(new File([], name), 'size', { value: size });
}

describe('dropped files', () => {
  it('are models, each with all files that may hold its weights, and certificates', () => {
    const [a, b, data, json] = [file('a.onnx'), file('B.ONNX'), file('a.onnx.data'), file('a.json')];
    const sorted = sortFiles([a, data, b, json]);
    expect(sorted.models.map((m) => m.model)).toEqual([a, b]);
    for (const { external } of sorted.models) expect([...external.values()]).toEqual([data]);
    expect(sorted.documents).toEqual([json]);
    expect(sorted.loose).toEqual([]);
    expect(sorted.refused).toEqual([]);
  });

  it('are models of other formats, which JSON has to be looked into for', async () => {
    const keras = file('a.keras');
    const weights = file('net.npz');
    const shard = file('group1-shard1of1.bin');
    const samples = file('digits.npz');
    const certificate = new File(['{ "format": "lipsoid-certificate" }'], 'proof.json');
    const architecture = new File(['{ "format": "lipsoid-architecture", "weights": "net.npz" }'], 'net.json');
    const layers = new File(['{ "modelTopology": {} }'], 'model.json');
    const dropped = [keras, weights, shard, samples, certificate, architecture, layers];
    const sorted = sortFiles(dropped, await modelsInJson(dropped));
    expect(sorted.models.map((m) => m.model)).toEqual([keras, architecture, layers]);
    for (const { external } of sorted.models) expect([...external.values()]).toEqual([weights, shard]);
    expect(sorted.documents).toEqual([certificate]);
    expect(sorted.samples).toEqual([{ path: 'digits.npz', blob: samples }]);
  });

  it('are loose where none is a model', () => {
    const data = file('weights.bin');
    expect(sortFiles([data])).toMatchObject({ models: [], loose: [data] });
  });

  it('are samples where their names say so, wherever they lay', () => {
    const [model, images, labels, weights] = [
      file('a.onnx'),
      file('train-images-idx3-ubyte'),
      file('y.npy'),
      file('a.bin'),
    ];
    const picture = file('1.png');
    const sorted = sortFiles([model, images, labels, weights, { file: picture, path: 'digits/3/1.png' }]);
    expect(sorted.samples).toEqual([
      { path: 'train-images-idx3-ubyte', blob: images },
      { path: 'y.npy', blob: labels },
      { path: 'digits/3/1.png', blob: picture },
    ]);
    expect([...sorted.models[0]!.external.values()]).toEqual([weights]);
    // These may be either.
    expect([weights, file('x.safetensors'), file('x')].map(mayBeSamples)).toEqual([true, true, false]);
  });

  it('are refused with the reason where no page can hold them', () => {
    const { models, refused } = sortFiles([file('large.onnx', 500e6), file('huge.onnx', 3e9)]);
    expect(models.map((m) => m.model.name)).toEqual(['large.onnx']);
    expect(refused.map((r) => r.file.name)).toEqual(['huge.onnx']);
    expect(refused[0]!.reason).toMatch(/3\.0 GB.*2\.1 GB.*command line/);
  });
});
