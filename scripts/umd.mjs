// A script that is also a module: CommonJS gets its value as `module.exports`, an AMD loader as the value of an anonymous `define`, and
// a page without either as the global `io`.

/**
 * @param root how the platform's global object is named
 * @returns what to put around code that returns the value; the code has an empty object, `script`, to its own use. In ECMAScript 5
 */
export function universal(root) {
  return {
    // A page may have elements with the ids "module" and "define", which are globals then.
    head:
      "(function(make){" +
      'if(typeof module==="object"&&module&&typeof module.exports==="object")module.exports=make({});' +
      'else if(typeof define==="function"&&define.amd)define([],function(){return make({})});' +
      `else ${root}.io=make({})` +
      "})(function(script){",
    tail: "});",
  };
}
