package demo

import "strings"

// words returns every word that can be written, in a fixed order, each once.
// They are what registers, inventories, herbaria, letters and ledgers say, in
// French, English, German and Latin. Accents stay within what a French or
// German keyboard types, and no two words fold to the same letters.
func words() []string {
	return strings.Fields(frenchWords + englishWords + germanWords + latinWords + names)
}

const frenchWords = `
janvier février mars avril juillet août septembre octobre novembre décembre dimanche samedi vendredi
paroisse baptême mariage sépulture parrain marraine témoin épouse veuve orphelin légitime naissance décès
curé vicaire notaire greffier huissier laboureur tisserand meunier boulanger charpentier forgeron tonnelier
vigneron cordonnier maréchal tailleur chapelier drapier mercier batelier pêcheur berger domestique servante
journalier maçon menuisier potier vitrier serrurier orfèvre horloger libraire imprimeur relieur papetier
chirurgien apothicaire médecin instituteur sacristain bedeau échevin bailli seigneur écuyer chevalier
testament héritage partage inventaire meubles immeubles maison grange étable jardin verger vigne prairie
moisson froment seigle avoine orge foin paille farine beurre fromage lard chandelle toile laine chanvre
coffre armoire buffet chaise tapisserie chaudron marmite écuelle assiette gobelet chandelier miroir tenture
draps couverture chemise jupon manteau bonnet sabots souliers ruban dentelle velours soie
quittance créance dette rente arpent livres deniers sols écus somme payement recette dépense compte
lettre cachet signature parchemin registre feuillet verso chapitre volume préface gravure planche
rivière fontaine moulins chemin carrefour faubourg village commune canton district province royaume
église chapelle cloître abbaye prieuré hôpital cimetière clocher couvent évêque chanoine
fougère bruyère ortie pavot violette marguerite primevère gentiane chardon trèfle sauge lavande
chêne hêtre tilleul érable frêne bouleau sapin noyer pommier cerisier prunier
monsieur madame citoyen soussigné demeurant présent fidèle volonté sincère amitié tendresse souvenir
voyage navigation port cargaison ballot tonneau marchand négociant comptoir douane balance
heureux ancien nouveau dernier premier second entier vaillant honorable`

const englishWords = `
January February March April June July August October December Monday Wednesday Thursday
parish baptism marriage burial witness spinster bachelor widow orphan infant yeoman husbandman labourer
weaver miller baker carpenter blacksmith cooper tanner saddler wheelwright shoemaker tailor hatter draper
mercer grocer butcher brewer maltster chandler mason glazier plumber thatcher sawyer shepherd drover carter
waterman fisherman mariner sailmaker shipwright boatswain gunner purser steward captain surgeon apothecary
schoolmaster vicar rector curate churchwarden bailiff constable sheriff magistrate alderman sexton beadle
executor bequest legacy inventory chattels furniture cupboard bedstead bolster blanket pewter
kettle skillet trencher tankard candlestick lantern bellows spinning distaff girdle petticoat
waistcoat breeches stockings buttons ribbon worsted linen calico muslin velvet
barley wheat harvest orchard meadow pasture hedgerow stable dairy cellar garret chimney kitchen
ledger account payment receipt balances invoice cargo freight barrel bushel hogshead quarter
shilling sixpence farthing guinea sovereign interest tithe annuity mortgage tenement freehold
chapter appendix engraving portrait landscape library manuscript parchment binding
heather bracken foxglove primrose cowslip bluebell thistle nettle clover yarrow comfrey valerian
willow hazel sycamore hawthorn juniper chestnut walnut mulberry
harbour island lighthouse weather northward southerly anchorage soundings compass
honourable esteemed gracious obedient faithful sincerely affection remember yesterday tomorrow
market bridge river county borough hundred abbey priory chapel steeple tower`

const germanWords = `
Januar Februar Mai Juni Juli Oktober Dezember Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag
Taufe Trauung Hochzeit Begräbnis Pate Zeuge Witwe Waise Tochter Sohn Vater Mutter Bruder Schwester
Bauer Schmied Müller Bäcker Metzger Schneider Schuster Weber Gerber Zimmermann Schreiner Maurer Drechsler
Küfer Wagner Sattler Seiler Töpfer Glaser Schlosser Goldschmied Buchbinder Drucker Fischer Jäger Förster
Pfarrer Küster Lehrer Schulze Richter Schreiber Amtmann Bürger Ratsherr Hauptmann Soldat Reiter
Erbschaft Inventar Hausrat Truhe Kasten Tisch Stuhl Bettlade Leinwand Wolle Flachs Garn Tuch
Kessel Pfanne Teller Becher Kanne Leuchter Spiegel Mantel Haube Schürze Strumpf Stiefel Gürtel
Roggen Weizen Gerste Hafer Hirse Scheune Garten Wiese Acker Weinberg Mühle Brunnen Keller Stube Kammer
Gulden Kreuzer Taler Pfennig Groschen Zins Schuld Rechnung Quittung Summe Einnahme Ausgabe Pacht
Brief Urkunde Siegel Pergament Blatt Band Kapitel Vorrede Kupferstich Bildnis Bibliothek Handschrift
Kirche Kapelle Kloster Friedhof Orgel Kanzel Altar Turm Glocken Gemeinde Dorf Stadt Markt Brücke
Heidekraut Enzian Veilchen Nelke Klee Salbei Lavendel Kamille Arnika Wacholder Holunder
Eiche Buche Linde Ahorn Esche Birke Tanne Fichte Lärche
Abend Morgen Winter Sommer Herbst Frühling Jahrhundert
Freund Liebe Treue ehrsam redlich Tugend Gnade Hoffnung`

const latinWords = `
anno domini mensis augusti maii iunii septembris octobris novembris decembris
baptizatus sepultus copulati parentes filius filia uxor maritus viduus vidua puella infans testes
patrinus levans coniuges legitimus parochus sacerdos ecclesia capella altare coemeterium
agricola faber molitor pistor sartor sutor textor piscator mercator scriba notarius medicus miles
liber folium pagina caput tomus index tabula figura descriptio historia natura
herba radix flos folia fructus cortex caulis silvestris vulgaris officinalis montana palustris
alpina repens hirsuta arvensis pratensis maritima
quercus fagus betula salix populus pinus abies juniperus
regnum civitas provincia comes episcopus abbas prior magister doctor
veritas gratia gloria memoria virtus fortuna tempus mundus terra aqua ignis
omnia semper nunquam quoniam igitur autem verbum littera`

const names = `
Marie Jeanne Catherine Françoise Antoinette Madeleine Geneviève Élisabeth Thérèse Louise Anne
Jacques Pierre François Antoine Étienne Nicolas Guillaume Laurent Mathieu Philippe Charles Joseph Vincent
Dubois Lefebvre Moreau Fournier Girard Chevallier Renaud Gauthier Perrin Lemoine Roussel
Barbier Charron Delattre Vasseur Pelletier Carpentier Bertrand Morel Garnier Faure Blanchard
William Margaret Elizabeth Susannah Dorothy Eleanor Martha Hannah Edward Richard Thomas Samuel Nathaniel
Ashworth Bradshaw Chapman Fletcher Hargreaves Holloway Kendall Marlowe Pemberton Thornton Whitaker
Johann Heinrich Friedrich Wilhelm Gottfried Konrad Ludwig Barbara Ursula Apollonia Kunigunde Magdalena
Hoffmann Schäfer Krüger Lehmann Vogel Brandt Steiner Baumgartner Lindner Winkler
Paris Lyon Rouen Orléans Nantes Bordeaux Toulouse Grenoble Dijon Amiens Poitiers Limoges Besançon Chartres
London Bristol Norwich Exeter Lincoln Durham Canterbury Whitby Plymouth Shrewsbury Lancaster
Augsburg Nürnberg Leipzig Mainz Freiburg Basel Konstanz Regensburg Lübeck Hamburg Bremen Ulm
Bretagne Normandie Bourgogne Provence Lorraine Champagne Picardie Auvergne Gascogne
Flandern Bayern Sachsen Schwaben Cornwall Devonshire Suffolk
Johannes Petrus Paulus Andreas Martinus Georgius Jacobus Henricus Ludovicus Carolus Antonius Sebastianus`
