import { describe, expect, it } from 'vitest';
import { progressDisplay } from '../../src/cli/output/progress.ts';
import { recorder } from './recorder.ts';

const step = (done: number, layer = 'conv_1') => ({
  method: 'closed-form',
  layer,
  done,
  total: 100,
});

describe('progress for a person', () => {
  it('redraws one line with share, layer and time left', () => {
    const out = recorder({ interactive: true });
    let time = 0;
    const display = progressDisplay(out, () => time);
    display.show(step(0));
    time = 2000;
    display.show(step(25, 'conv_2'));
    display.clear();
    expect(out.text.startsWith('\r\u001b[2K')).toBe(true);
    expect(out.text.endsWith('\r\u001b[2K')).toBe(true);
    expect(out.text).not.toContain('\n');
    expect(out.text).toContain(' 25 %  closed-form: conv_2, 6.0 s left');
  });

  it('draws at most ten times a second and never a line wider than the terminal', () => {
    const out = recorder({ interactive: true, columns: 30 });
    let time = 0;
    const display = progressDisplay(out, () => time);
    for (time = 0; time < 1000; time += 10) display.show(step(time / 10, 'a_layer_with_a_rather_long_name'));
    const lines = out.text.split('\r\u001b[2K').slice(1);
    expect(lines).toHaveLength(10);
    for (const line of lines) expect([...line].length).toBeLessThan(30);
  });
});

describe('the time left', () => {
  it('is no longer than the time limit leaves', () => {
    const out = recorder();
    let time = 0;
    const display = progressDisplay(out, () => time);
    const show = (done: number, limit: number) =>
      display.show({ method: 'refined', layer: 'evaluation', done, total: 10_000, limit });
    show(0, 90);
    time = 20_000;
    show(500, 70);
    time = 40_000;
    show(1000, 50);
    time = 60_000;
    show(9700, 30);
    expect(out.text.match(/[\d.]+ (min [\d.]+ )?s left/g)).toEqual([
      '1 min 10 s left',
      '50.0 s left',
      '1.9 s left',
    ]);
  });
});

describe('progress in a log', () => {
  it('is a plain line every ten seconds, and nothing for short work', () => {
    const out = recorder();
    let time = 0;
    const display = progressDisplay(out, () => time);
    for (time = 0; time < 10_000; time += 100) display.show(step(time / 1000));
    expect(out.text).toBe('');
    for (; time <= 25_000; time += 100) display.show(step(time / 1000));
    display.clear();
    expect(out.text).toBe(
      ' 10 %  closed-form: conv_1, 1 min 30 s left\n 20 %  closed-form: conv_1, 1 min 20 s left\n',
    );
  });

  it('shows neither shares above 100 % nor the time left of a total that is no number', () => {
    const out = recorder();
    let time = 0;
    const display = progressDisplay(out, () => time);
    for (const [done, total] of [
      [3, 2],
      [0, 0],
      [Number.NaN, 1],
    ] as const) {
      time += 20_000;
      display.show({ method: 'unrolled', layer: 'fc', done, total });
    }
    expect(out.text).toBe('100 %  unrolled: fc\n  0 %  unrolled: fc\n  0 %  unrolled: fc\n');
  });
});
