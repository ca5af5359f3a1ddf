"""Sources that people have broken template engines with, and worse ones of our own: all of them are refused at save."""

CLASSES = """
{{ ''.__class__ }}
{{ ''.__class__.__mro__[1].__subclasses__() }}
{{ ''['__class__']['__mro__'] }}
{{ ''["\\x5f\\x5fclass\\x5f\\x5f"] }}
{{ ''["\\u005f\\u005fclass\\u005f\\u005f"] }}
{{ user.__class__ }}
{{ user['__class__'] }}
{{ user["__init__"]["__globals__"] }}
{{ user._private }}
{{ user.name.__format__ }}
{{ user.name.__len__ }}
{{ user.name['_'] }}
{{ (1).__class__ }}
{{ (1).real.__class__ }}
{{ 1.5.__class__ }}
{{ true.__class__ }}
{{ none.__class__ }}
{{ (user).__dict__ }}
{{ user | attr('__class__') }}
{{ user|attr("__cla"+"ss__") }}
{{ user|attr(["_"*2,"class","_"*2]|join) }}
{{ ()|attr('\\x5f\\x5fclass\\x5f\\x5f') }}
{{ []|attr('__class__') }}
{{ {}|attr('__class__') }}
{{ user.name|attr('mro') }}
{{ user.__class__.mro() }}
{{ user.__getattribute__('x') }}
{{ ''.format }}
{{ '{0.__class__}'.format(user) }}
{{ '{0.__class__.__init__.__globals__}'.format(user) }}
{{ ''.format_map(user) }}
{{ user.name.format(user) }}
{{ '%s' % user }}
{{ '%(x)s' % user }}
{{ '%100000000d' % 1 }}
{{ f'{user}' }}
"""

GLOBALS = """
{{ self }}
{{ self.__init__.__globals__ }}
{{ self._TemplateReference__context }}
{{ request }}
{{ request.application.__globals__.__builtins__ }}
{{ request|attr('application') }}
{{ config }}
{{ config.items() }}
{{ config.from_object('os') }}
{{ g }}
{{ session }}
{{ url_for.__globals__ }}
{{ get_flashed_messages.__globals__ }}
{{ lipsum.__globals__['os'].popen('id').read() }}
{{ lipsum() }}
{{ cycler.__init__.__globals__.os }}
{{ cycler('a', 'b').next() }}
{{ joiner(',') }}
{{ joiner.__init__ }}
{{ namespace(x=1) }}
{{ namespace.__init__.__globals__ }}
{{ dict(a=1) }}
{{ dict.mro() }}
{{ range(10**9) }}
{{ range(10) }}
{{ range }}
{{ caller() }}
{{ caller }}
{{ loop.index }}
{{ loop }}
{{ super() }}
{{ varargs }}
{{ kwargs }}
{{ environment }}
{{ context }}
{{ __builtins__ }}
{{ __import__('os') }}
{{ __locale__ }}
{{ __name__ }}
{{ open('/etc/passwd').read() }}
{{ eval('1') }}
{{ print(1) }}
{{ os.system('id') }}
{{ import os }}
{{ lambda: 1 }}
{{ User.name }}
{{ USER }}
{{ users }}
{{ block }}
{{ block.a | upper }}
{{ block['a'] }}
{{ block.A }}
{{ block.a.b }}
{{ 'x' if block.a }}
{% if block.a %}x{% endif %}
{{ user[block.a] }}
"""

CALLS = """
{{ user() }}
{{ user.items() }}
{{ user.name.upper() }}
{{ user.name.replace('a', 'b') }}
{{ user.name.join(user) }}
{{ user.pop('name') }}
{{ user.update(a=1) }}
{{ user.tags.append(1) }}
{{ user.tags.sort() }}
{{ user.tags.__setitem__(0, 1) }}
{{ [].append(1) }}
{{ ''.join(['a']) }}
{{ (user.name)() }}
{{ user['name']() }}
{{ user.name(*user) }}
{{ user.name(**user) }}
{{ user.name | upper(*user) }}
{{ user.name | upper(**user) }}
{{ user.name | truncate(length=5) }}
{{ user.name | truncate(1, 2, 3) }}
{{ user.name | upper(1) }}
{{ user.name | default(1, 2, 3) }}
{{ user.n | plural }}
{{ user.n | plural('a') }}
{{ user.n | round(1, 'ceil') }}
{{ user.t | date(1, 2, 3) }}
"""

FILTERS = """
{{ user.name | safe }}
{{ user.name | e }}
{{ user.name | escape }}
{{ user.name | forceescape }}
{{ user | tojson }}
{{ user | pprint }}
{{ user | list }}
{{ user | items }}
{{ user | dictsort }}
{{ user | map(attribute='x') | list }}
{{ user | map('attr', '__class__') }}
{{ user | select('odd') }}
{{ user | selectattr('x') }}
{{ user | reject }}
{{ user | groupby('x') }}
{{ user | batch(3) }}
{{ user | slice(3) }}
{{ user | sort }}
{{ user | unique }}
{{ user | sum }}
{{ user | first }}
{{ user | random }}
{{ user.tags | join(',') }}
{{ user.name | center(1000000000) }}
{{ user.name | replace('a', 'aaaa') }}
{{ user.name | indent(1000000) }}
{{ user.name | wordwrap(1) }}
{{ user.name | xmlattr }}
{{ user.name | urlize }}
{{ user.name | striptags }}
{{ user.name | format('x') }}
{{ user.n | filesizeformat }}
{{ user.n | int(base=36) }}
{{ user.name | string }}
{{ user.name | reverse }}
{{ user.name | upper.x }}
{{ user.name is callable }}
{{ user.name is filter }}
{{ user.name is test }}
{{ user.name is divisibleby(3) }}
{{ user.name is sameas user }}
{{ user.name is in user }}
{{ user.name is mapping }}
{{ user.name is string(1) }}
{{ user.name is not iterable }}
"""

LOOPS = """
{% for a in user %}{{ a }}{% endfor %}
{% for a in user recursive %}{{ loop(a) }}{% endfor %}
{% for a in 'x' * 1000000000 %}{% endfor %}
{%for a in user%}{%endfor%}
{%- for a in user -%}{%- endfor -%}
{%+ for a in user +%}{% endfor %}
{% set x = 1 %}
{% set x %}1{% endset %}
{% set user.name = 1 %}
{% set ns = namespace() %}
{% macro m() %}{% endmacro %}
{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}
{% call m() %}{% endcall %}
{% call(x) user.each() %}{% endcall %}
{% filter upper %}x{% endfilter %}
{% include 'x' %}
{% include user.name %}
{% include ['a', 'b'] ignore missing %}
{% import 'x' as y %}
{% from 'x' import y %}
{% extends 'x' %}
{% extends user.name %}
{% block x %}{% endblock %}
{% block x %}{% block x %}{% endblock %}{% endblock %}
{% with a = 1 %}{% endwith %}
{% autoescape true %}{% endautoescape %}
{% autoescape false %}{{ user }}{% endautoescape %}
{% do user %}
{% do user.pop('x') %}
{% continue %}
{% break %}
{% trans %}x{% endtrans %}
{% debug %}
{% raw
{% endraw %}
{% endfor %}
{% else %}
{% elif user.x %}
{% while true %}
{% if user.x %}{% for a in user %}{% endfor %}{% endif %}
{% if user.x %}a{% else %}{% set a = 1 %}{% endif %}
"""

SUMS = """
{{ 'a' * 1000000000 }}
{{ 1000000000 * 'a' }}
{{ user.name * 3 }}
{{ 9 ** 9 ** 9 }}
{{ 9 // 0 }}
{{ 9 / 0 }}
{{ 9 % 0 }}
{{ user.n % 2 }}
{{ 'a' ~ 'b' }}
{{ user.name ~ user.name ~ user.name }}
{{ [1, 2] }}
{{ [user.name] * 1000000 }}
{{ {'a': 1} }}
{{ (1, 2) }}
{{ () }}
{{ 1, 2 }}
{{ user.name[0:5] }}
{{ user.name[::-1] }}
{{ user.name[:] }}
{{ user.tags[0:1][0] }}
{{ 1 if user.a else 2 if user.b else [3] }}
{{ 'a' + 1 }}
{{ 1 - 'a' }}
{{ - 'a' }}
{{ 'a' < 1 }}
{{ 1 in 2 }}
{{ 'a' | round }}
{{ 'a' | currency }}
{{ 'a' | date }}
{{ '2026-01-01' | date('%Q') }}
{{ '2026-01-01' | date('%Y', 'Mars/Base') }}
{{ '2026-01-01' | date('%Y', '../../etc/passwd') }}
{{ 'abc' | truncate(-1) }}
{{ 'abc' | truncate(100000000) }}
{{ 'abc' | truncate('x') }}
{{ 2.5 | round(99) }}
{{ ''.missing }}
{{ 'abc'[5] }}
{{ 1e999 }}
"""

BROKEN = """
{{ user.name
{{ user.name }
{{ user.name %}
{{ }}
{{}}
{%  %}
{%
{{
{{ {{ user.name }} }}
{{ user. }}
{{ user..name }}
{{ .name }}
{{ user.name | }}
{{ | upper }}
{{ user.name || upper }}
{{ user.name & 1 }}
{{ user.name; 1 }}
{{ user.name = 1 }}
{{ user.name := 1 }}
{{ user.name ? 1 : 2 }}
{{ user.name ! }}
{{ $user }}
{{ @user }}
{{ `id` }}
{{ user.name # comment }}
{{ 'unclosed }}
{{ "unclosed }}
{{ 'a' 'b }}
{{ '\\N{LATIN SMALL LETTER A }}
{{ '\\x5' }}
{{ (user.name }}
{{ user.name) }}
{{ [user.name }}
{{ (user.name] }}
{{ user[ }}
{{ user[] }}
{{ not }}
{{ user.a and }}
{{ user.a or or user.b }}
{{ user.a is }}
{{ user.a if }}
{{ 'x' if }}
{{ user.a else user.b }}
{{ 1 < }}
{{ 0x }}
{{ 1__0 }}
{{ 1 2 }}
{{ ｕｓｅｒ }}
{{ user\u2024name }}
{{ user\u200b.name }}
{{ usеr.name }}
{{ user.name \u202e }}
{{ user\x00.name }}
{% if %}x{% endif %}
{% if user.name %}
{% if user.name %}{% else %}
{% if user.name %}{% endfor %}
{% endif %}
{% if user.a %}{% else %}{% elif user.b %}{% endif %}
{% if user.a = 1 %}{% endif %}
{% if user.a then %}{% endif %}
{% IF user.a %}{% ENDIF %}
{% raw %}{{ user }}
"""

GROWN = {
    "parentheses": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "forty parentheses": "{{ " + "(" * 40 + "1" + ")" * 40 + " }}",
    "brackets": "{{ user" + "[user" * 50 + "]" * 50 + " }}",
    "open brackets": "{{ " + "[" * 5000,
    "filters": "{{ 'x'" + " | upper" * 300 + " }}",
    "filters in filters": "{{ user.a" + " | default(user.a" * 60 + ")" * 60 + " }}",
    "not": "{{ " + "not " * 1500 + "user.x }}",
    "minus": "{{ " + "-" * 5000 + "1 }}",
    "attributes": "{{ user" + ".a" * 2000 + " }}",
    "or": "{{ " + "user.a or " * 700 + "1 }}",
    "and": "{{ " + "user.a and " * 700 + "1 }}",
    "plus": "{{ " + "user.a + " * 800 + "1 }}",
    "plus text": "{{ " + "'a' + " * 1200 + "'a' }}",
    "condition": "{{ " + "1 if user.a else " * 400 + "1 }}",
    "if": "{% if user.x %}" * 300 + "{% endif %}" * 300,
    "if unclosed": "{% if user.x %}" * 500,
    "else": "{% if user.x %}{% else %}" * 100 + "{% endif %}" * 100,
    "too long": "x" * 8192 + "{{ 1 }}",
    "too long in bytes": "ż" * 4096 + "{{ 1 }}",
    "too long a name": "{{ user." + "a" * 8192 + " }}",
    "capitals that grow": "{{ '" + "ΐ" * 3000 + "' | upper }}",
    "digits": "{{ " + "9" * 4000 + " }}",
    "digits that Python refuses": "{{ " + "9" * 5000 + " }}",
    "exponents": "{{ 1e308 + 1e308 }}",
    "tags": "{%" * 4000,
    "nested tags": "{{" * 4000,
    "a quote and its escapes": "{{ '" + "\\" * 4001,
    "many unknown": "{{ x }}" * 1000,
}
"""What is too large, or too deep: by name."""


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]


REFUSED: dict[str, str] = {
    **{line: line for text in (CLASSES, GLOBALS, CALLS, FILTERS, LOOPS, SUMS, BROKEN) for line in _lines(text)},
    **GROWN,
}
