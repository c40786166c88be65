/** Texts in many languages and shapes, as assistants write them; for the tests of the seam. */
export const NATURAL_TEXTS: Readonly<Record<string, string>> = {
  english:
    'A lighthouse keeper’s day was long. He trimmed the wicks at dusk, wound the clockwork every four hours, and kept the lens so clean that a ship twenty miles out could see it. When fog came in he rang the bell by hand. "It is not the storm that sinks them," he used to say, "it is the quiet night when nobody looks." The holdfast of a kelp grips the rock below; it is not a root, and it feeds nothing. It only holds. That is what he liked about it.\n\nYears later his daughter wrote that the sea had been the third person at every meal. She kept the logbook, and in the logbook she kept the weather, and in the weather you can still read how he felt.',
  advice:
    'Here are some steps that you can take when your application does not start:\n\n1. **Check the logs.** Most problems show up in the last few lines. If the log is empty, check that the process may write to the folder.\n2. **Check the port.** Another process may hold it. Run `lsof -i :8080` and see who it is.\n3. **Check the configuration.** If the configuration file was changed lately, go back to the last version that worked.\n4. **Try a clean install.** Delete `node_modules`, run `npm ci`, and start again.\n\nIf none of these steps helps, please share the error message, and I will take a closer look. It is important to note that the error message alone may not be enough; it is important to note also when the problem began.',
  german:
    'Die Donaudampfschifffahrtsgesellschaft fuhr früher von Regensburg bis ans Schwarze Meer. Wer heute mit dem Fahrrad am Ufer entlangfährt, sieht die alten Anlegestellen noch: verwitterte Stege, überwucherte Schuppen, hier und da ein Schild. Der Hund lief voraus, der Junge lief hinterher, und die Großmutter saß auf der Bank und strickte. „Das Wasser“, sagte sie, „hat mehr Geduld als wir.“ Am Abend wurde es kühl, und sie gingen nach Hause, ohne viel zu reden.',
  french:
    'L’été, nous partions chez ma grand-mère, à l’autre bout du pays. Le train s’arrêtait partout, même là où il n’y avait personne. Elle nous attendait sur le quai avec son panier, et l’on sentait déjà l’odeur du pain. « Vous avez grandi », disait-elle chaque année, comme si elle s’en étonnait. Puis on montait la côte à pied ; les cigales se taisaient quand nous passions, et reprenaient derrière nous.',
  spanish:
    'La llave estaba debajo de la maceta, como siempre. Abrió la puerta y llamó, pero nadie contestó. En la cocina, la tetera todavía estaba caliente; en la mesa había dos tazas, una llena y otra vacía. ¿Quién había venido? Se sentó a esperar. Poco a poco la casa se llenó de sombras, y al fin oyó pasos en la escalera.',
  russian:
    'Мама поставила чайник и села у окна. За окном шёл снег, густой и медленный, и казалось, что весь город затаил дыхание. Папа ещё не вернулся с работы. «Он придёт», — сказала она, хотя никто не спрашивал. На плите закипала вода, в коридоре тикали часы, и мы сидели молча, слушая, как скрипит лестница. Когда дверь наконец открылась, чайник уже свистел.',
  greek:
    'Το καράβι έφτασε το πρωί, πριν ακόμη ξυπνήσει το νησί. Οι ψαράδες μάζευαν τα δίχτυα τους και μιλούσαν χαμηλόφωνα. Κανείς δεν ρώτησε τον ξένο από πού ερχόταν· του έδωσαν ψωμί και ελιές και τον άφησαν να καθίσει στη σκιά.',
  turkish:
    'Yağmur bütün gece yağdı. Sabah olunca sokaklar yavaş yavaş doldu; fırıncı kapısını açtı, çocuklar okula gitti. Yaşlı adam her zamanki yerinde oturuyor, gazetesini okuyordu. Haberler eskiydi, ama o yine de okudu.',
  arabic:
    'كان القارب صغيرا والبحر واسعا، ولم يكن معهم إلا قليل من الماء والخبز. قال الشيخ: «اصبروا، فالريح لا تدوم». وفي الليل رأوا ضوءا بعيدا يظهر ويختفي، فعرفوا أن المنارة ما زالت تعمل. رفعوا الشراع واتجهوا نحوها، وعند الفجر وصلوا إلى الشاطئ.',
  hebrew:
    'הילדה ישבה ליד החלון וחיכתה לגשם. כבר שלושה חודשים לא ירד גשם, והעצים בגינה נראו עייפים. סבא שלה אמר שהעננים באים לאט לאט, כמו אנשים זקנים. בערב שמעו רעם רחוק, ובבוקר היו כל הרחובות רטובים.',
  hindi:
    'गाँव के बाहर एक पुराना बरगद का पेड़ था। लोग कहते थे कि उसकी उम्र तीन सौ साल से ज़्यादा है। दोपहर में किसान उसकी छाया में बैठकर बातें करते और बच्चे उसकी जटाओं से झूलते। धीरे-धीरे शहर पास आता गया, सड़कें चौड़ी होती गईं, लेकिन पेड़ वहीं खड़ा रहा।',
  thai: 'เช้าวันนั้นตลาดเงียบกว่าปกติ แม่ค้าขายปลานั่งพัดตัวเองอยู่ใต้ร่มผ้าใบ เด็กชายคนหนึ่งเดินผ่านมาแล้วถามว่ามีใครเห็นแมวของเขาบ้างไหม ไม่มีใครตอบ แต่ยายแก่ที่ขายขนมชี้ไปที่หลังคาวัด แมวนอนหลับอยู่บนนั้นมาตั้งแต่เมื่อคืน',
  chinese:
    '从前，海边有一座灯塔，守塔的老人每天傍晚都要爬上一百二十级台阶去点灯。他走得很慢，却从来没有迟到过。村里的孩子们常常看看海，又看看他，问他为什么不害怕风暴。老人说：“风暴并不可怕，可怕的是没有人等你回家。”后来灯塔换成了自动的，老人搬到了镇上，可是每天傍晚他仍然走到窗边，朝着大海的方向望一望。',
  japanese:
    '雨がやんで、空が少しずつ明るくなってきた。駅前の小さな喫茶店では、店主がゆっくりと豆を挽いている。窓際の席に座った女の人は、手紙を何度も読み返しては、ため息をついた。「返事を書かなくちゃ」とつぶやいたけれど、ペンはなかなか進まない。外では子どもたちが水たまりを飛び越えながら、学校へ向かっていた。',
  korean:
    '할머니는 새벽마다 마당을 쓸었다. 별이 반짝반짝 빛나는 겨울에도, 비가 주룩주룩 내리는 여름에도 빗자루 소리는 멈추지 않았다. 우리는 이불 속에서 그 소리를 들으며 다시 잠이 들곤 했다. 지금은 그 집에 아무도 살지 않지만, 가끔 꿈속에서 그 소리가 들린다.',
  emoji:
    'Trip plan 👨‍👩‍👧‍👦: fly ✈️ on Friday, hike 🥾 on Saturday, rest 😴 on Sunday. Budget 💶💶💶, mood 🎉🎉. Flags: 🇩🇪 🇫🇷 🇯🇵. Team: 👩🏽‍🚀 leads, 🧑🏻‍🍳 cooks, 🐈‍⬛ supervises. Café, naïve, Å, ñ written apart: Cafe\u0301, nai\u0308ve, A\u030a, n\u0303. 👍👍🏿 done ❤️‍🔥!',
  code: 'Here is the function:\n\n```python\ndef merge(left, right):\n    result = []\n    i = 0\n    j = 0\n    while i < len(left) and j < len(right):\n        if left[i] <= right[j]:\n            result.append(left[i])\n            i += 1\n        else:\n            result.append(right[j])\n            j += 1\n    result.extend(left[i:])\n    result.extend(right[j:])\n    return result\n\n\ndef merge_sort(items):\n    if len(items) <= 1:\n        return items\n    middle = len(items) // 2\n    return merge(merge_sort(items[:middle]), merge_sort(items[middle:]))\n```\n\nIt runs in O(n log n).',
  typescript:
    "```ts\nexport function createServer(options: ServerOptions): Server {\n  const server = new Server()\n  server.on('request', (request) => {\n    if (request.url === '/health') {\n      request.respond(200)\n      return\n    }\n    if (request.url === '/ready') {\n      request.respond(200)\n      return\n    }\n    request.respond(404)\n  })\n  return server\n}\n```",
  html: '<table>\n  <tr>\n    <td>one</td>\n    <td>two</td>\n  </tr>\n  <tr>\n    <td>three</td>\n    <td>four</td>\n  </tr>\n</table>\n<div>\n  <div>\n    <div>deep</div>\n  </div>\n</div>\n',
  json: '{\n  "items": [\n    { "id": 1, "name": "first", "tags": ["a", "b"], "price": 12.5 },\n    { "id": 2, "name": "second", "tags": [], "price": 0.0 },\n    { "id": 3, "name": "third \\u00e9\\n", "tags": ["a"], "price": 1e3 }\n  ],\n  "total": 3,\n  "next": null\n}',
  table:
    'Comparison:\n\n| name | speed | price | note |\n|------|-------|-------|------|\n| alpha | fast | low | yes |\n| beta | slow | low | yes |\n| gamma | fast | high | no |\n| delta | slow | high | no |\n\nAlpha is the best choice for most people.',
  numbers:
    '1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22. Pi is 3.14159265358979; 100 times 100 is 10000, and 1000000 is 10 to the 6. In 2024 there were 366 days, in 2023 there were 365.',
  list: '- apples\n- pears\n- plums\n  - red plums\n  - yellow plums\n- cherries\n\nThen:\n\n- [ ] wash them\n- [ ] dry them\n- [x] eat them\n',
  poem: 'The tide comes in, the tide goes out,\n  and the light goes round, goes round.\nThe keeper walks, the gulls cry out,\n  and the light goes round, goes round.\nNo ship tonight, no sail, no shout,\n  and the light goes round, goes round.\n\nOh, turn again, old lamp, old friend,\n  for the night is long, so long.\nThe night that has no other end\n  is long, my friend, so long.',
  math: 'We have $$\\int_0^1 x^2\\,dx = \\frac{1}{3}.$$ Therefore, by linearity, $$\\int_0^1 (x^2 + x)\\,dx = \\frac{1}{3} + \\frac{1}{2} = \\frac{5}{6}.$$ The same holds for every $n \\ge 1$: $$\\int_0^1 x^n\\,dx = \\frac{1}{n+1}.$$',
}

/** Texts that say the same thing several times in a row, where a repeat and the text itself look alike. */
export const REPETITIVE_TEXTS: Readonly<Record<string, string>> = {
  laughter:
    'And then he laughed: ha ha ha ha ha! "Very, very funny," she said, "very very funny indeed." Hahaha, hahaha. Again and again and again he laughed, on and on and on.',
  song: 'Row, row, row your boat,\nGently down the stream.\nMerrily, merrily, merrily, merrily,\nLife is but a dream.\n\nHappy birthday to you,\nHappy birthday to you,\nHappy birthday, dear friend,\nHappy birthday to you!',
  ruler: '-----|-----|-----|-----|-----\n=====================\n0000000000000000000000\n* * * * * * * *\n',
  reduplication:
    '孩子们高高兴兴地走来走去，哈哈哈哈哈哈，看看这个，看看那个，研究研究，讨论讨论。キラキラ、どきどき、ゆっくりゆっくり。반짝반짝 작은 별. धीरे-धीरे, कभी कभी. Yavaş yavaş, orang-orang, couscous, bonbon, barbarian, assassin.',
  lines: 'print()\nprint()\nprint()\nx += 1\nx += 1\nreturn x\n    }\n    }\n  }\n}\n',
}
