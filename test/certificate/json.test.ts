/** What the reader of certificates refuses before anything is made of it. */
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/certificate/json.ts';
import { InputError } from '../../src/errors.ts';

describe('parseJson', () => {
  it.each([
    ['{"a":[1,{"a":2,"b":"\\"}{"}],"b":"a"}'],
    [' { "a" : "\\\\" , "b" : { "a" : "a" } } '],
    ['["a","a",{"a":"a"}]'],
    ['"\\\\\\""'],
    ['1'],
  ])('reads %s as JSON.parse does', (text) => {
    expect(parseJson(text, 'x')).toEqual(JSON.parse(text));
  });

  it.each([
    ['{"a":1,"b":2,"a":3}', 'must have the member "a" once'],
    ['{"a":1,"\\u0061" : 3}', 'must have the member "a" once'],
    ['[{"b":{"a":"a","a":"a"}}]', 'must have the member "a" once'],
    ['{"__proto__":1,"__proto__":2}', 'must have the member "__proto__" once'],
    ['{"\\n":1,"\\n":2}', 'must have the member "\\u000a" once'],
    ['['.repeat(17), 'must be nested at most 16 deep'],
    ['{"a":'.repeat(17), 'must be nested at most 16 deep'],
    ['{"a":1', 'must be JSON'],
    ['"a', 'must be JSON'],
    ['{"a\\":1}', 'must be JSON'],
    ['{"\\q":1}', 'must be JSON'],
    [']', 'must be JSON'],
    ['', 'must be JSON'],
  ])('refuses %s', (text, why) => {
    expect(() => parseJson(text, 'x.json')).toThrow(new InputError(`x.json: ${why}`));
  });

  it('refuses millions of brackets before they become objects', () => {
    const started = performance.now();
    expect(() => parseJson('['.repeat(2 ** 24), 'x')).toThrow(/nested/);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
